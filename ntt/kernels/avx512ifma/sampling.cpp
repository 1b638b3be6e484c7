// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include <lacuna/ntt/kernels/avx512ifma/vectors.h>
#include <lacuna/ntt/kernels/portable/functions.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

std::size_t filter_below(Word* out, const Word* words, std::size_t count, Word mask, Word bound) {
    const Vec mask_vector = broadcast(mask);
    const Vec bound_vector = broadcast(bound);
    std::size_t kept = 0;
    std::size_t j = 0;
    for (; j + lanes <= count; j += lanes) {
        const Vec candidates = _mm512_and_si512(load_unaligned(words + j), mask_vector);
        const __mmask8 below = _mm512_cmplt_epu64_mask(candidates, bound_vector);
        // Storing whole vectors is faster than a compressing store; the next one overwrites the surplus.
        _mm512_storeu_si512(out + kept, _mm512_maskz_compress_epi64(below, candidates));
        kept += static_cast<std::size_t>(std::popcount(static_cast<unsigned>(below)));
    }
    return kept + portable::filter_below(out + kept, words + j, count - j, mask, bound);
}

void centred_binomial(Word* out, const Word* words, std::size_t n) {
    const Vec mask = broadcast((Word{1} << 21) - 1);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x = load(words + j);
        store(out + j, minus(_mm512_popcnt_epi64(_mm512_and_si512(x, mask)),
                             _mm512_popcnt_epi64(_mm512_and_si512(_mm512_srli_epi64(x, 21), mask))));
    }
}

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
