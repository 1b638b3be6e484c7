// SPDX-License-Identifier: Apache-2.0
#include "ntt/kernels/avx512ifma/modular.h"

#include "ntt/kernels/avx512ifma/region_begin.h"

namespace lacuna::avx512ifma {

#include "ntt/kernels/generic/products.h"

}  // namespace lacuna::avx512ifma

#include "ntt/kernels/avx512ifma/region_end.h"
