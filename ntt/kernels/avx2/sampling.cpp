// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include <lacuna/ntt/kernels/avx2/functions.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

#include <lacuna/ntt/kernels/generic/centred_binomial.h>

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
