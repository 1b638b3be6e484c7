// SPDX-License-Identifier: Apache-2.0
#include "ntt/kernels/avx2/modular.h"
#include "ntt/kernels/portable/functions.h"

#include "ntt/kernels/avx2/region_begin.h"

namespace lacuna::avx2 {

#include "ntt/kernels/generic/elementwise.h"

}  // namespace lacuna::avx2

#include "ntt/kernels/avx2/region_end.h"
