// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx2/modular.h>
#include <lacuna/ntt/kernels/portable/functions.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

/// Sixteen registers: with columns of four as well, the compiler keeps less of the widest column in them:
/// rows of 24 terms take 3 % longer.
constexpr std::size_t narrower(std::size_t) {
    return 2;
}

#include <lacuna/ntt/kernels/generic/sparse.h>

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
