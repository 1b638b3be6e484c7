// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx512ifma/modular.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

#include <lacuna/ntt/kernels/generic/products.h>

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
