// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx512ifma/modular.h>
#include <lacuna/ntt/kernels/portable/functions.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

constexpr std::size_t narrower(std::size_t vectors) {
    return vectors / 2;
}

#include <lacuna/ntt/kernels/generic/sparse.h>

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
