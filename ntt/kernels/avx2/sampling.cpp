// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "ntt/kernels/avx2/functions.h"

#include "ntt/kernels/avx2/region_begin.h"

namespace lacuna::avx2 {

#include "ntt/kernels/generic/centred_binomial.h"

}  // namespace lacuna::avx2

#include "ntt/kernels/avx2/region_end.h"
