// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna::portable {

void gather(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = a[index[j]];
    }
}

void automorphism(Word* out, const Word* a, std::size_t n, std::uint32_t h, const Modulus& q) {
    std::size_t k = 0;
    for (std::size_t j = 0; j < n; ++j, k = (k + h) & (2 * n - 1)) {
        const Word value = a[k & (n - 1)];
        out[j] = k >= n ? q.negate(value) : value;
    }
}

}  // namespace lacuna::portable
