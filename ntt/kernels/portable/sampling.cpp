// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna::portable {

std::size_t filter_below(Word* out, const Word* words, std::size_t count, Word mask, Word bound) {
    std::size_t kept = 0;
    for (std::size_t j = 0; j < count; ++j) {
        const Word candidate = words[j] & mask;
        out[kept] = candidate;
        kept += candidate < bound;
    }
    return kept;
}

#include <lacuna/ntt/kernels/generic/centred_binomial.h>

}  // namespace lacuna::portable
