// SPDX-License-Identifier: Apache-2.0
#include "ntt/kernels/avx512ifma/modular.h"
#include "ntt/kernels/portable/functions.h"

#include "ntt/kernels/avx512ifma/region_begin.h"

namespace lacuna::avx512ifma {

constexpr std::size_t narrower(std::size_t vectors) {
    return vectors / 2;
}

#include "ntt/kernels/generic/sparse.h"

}  // namespace lacuna::avx512ifma

#include "ntt/kernels/avx512ifma/region_end.h"
