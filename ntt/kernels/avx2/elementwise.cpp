// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx2/modular.h>
#include <lacuna/ntt/kernels/portable/functions.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

#include <lacuna/ntt/kernels/generic/elementwise.h>

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
