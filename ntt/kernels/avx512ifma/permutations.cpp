// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <lacuna/ntt/kernels/avx512ifma/vectors.h>
#include <lacuna/ntt/kernels/portable/functions.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

/// Automorphisms of the transformed form read each aligned group of eight words from one such group: then the
/// words are permuted within a register. Any other index is followed word by word.
void gather(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) {
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec positions =
            _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index + j)));
        const std::uint32_t base = index[j] / lanes * lanes;
        if (_mm512_cmpge_epu64_mask(_mm512_xor_si512(positions, broadcast(base)), broadcast(lanes)) == 0) {
            store(out + j, _mm512_permutexvar_epi64(positions, load(a + base)));
        } else {
            portable::gather(out + j, a, index + j, lanes);
        }
    }
}

/// Word 8 u + v of the result is word h (8 u + v) = 8 (h u + s) + b of a, where h v = 8 s + b: the lanes b of
/// a vector of the result are those of eight vectors of a, at h u + s_b. In the order of h u these advance in
/// step.
void automorphism(Word* out, const Word* a, std::size_t n, std::uint32_t h, const Modulus& modulus) {
    const std::size_t vectors = n / lanes;
    const std::size_t mask = 2 * vectors - 1;  // vector numbers count modulo 2n / 8, the upper half negative
    std::size_t shift[lanes];
    alignas(64) Word source_lane[lanes];
    for (std::size_t v = 0; v < lanes; ++v) {
        const std::size_t product = (h * v) & (2 * n - 1);
        source_lane[v] = product % lanes;
        shift[source_lane[v]] = product / lanes;
    }
    const Word inverse = inverse_mod_word(h);
    const Vec q = broadcast(modulus.value());
    const Vec permutation = load(source_lane);
    for (std::size_t k = 0; k < vectors;) {
        // Up to the next wrap of any of the eight.
        std::size_t end = vectors;
        unsigned negative = 0;
        const Word* source[lanes];
        for (std::size_t b = 0; b < lanes; ++b) {
            const std::size_t position = (shift[b] + k) & mask;
            const std::size_t index = position & (vectors - 1);
            negative |= position >= vectors ? 1u << b : 0u;
            end = std::min(end, k + vectors - index);
            source[b] = a + index * lanes;
        }
        const std::size_t begin = k;
        for (; k < end; ++k) {
            const std::size_t offset = (k - begin) * lanes;
            Vec x = load(source[0] + offset);
#pragma GCC unroll 8
            for (std::size_t b = 1; b < lanes; ++b) {
                x = _mm512_mask_load_epi64(x, static_cast<__mmask8>(1u << b), source[b] + offset);
            }
            const std::size_t u = (inverse * k) & mask;
            const auto negated = static_cast<__mmask8>(u >= vectors ? ~negative : negative);
            x = _mm512_mask_sub_epi64(x, _mm512_mask_test_epi64_mask(negated, x, x), q, x);
            store(out + (u & (vectors - 1)) * lanes, _mm512_permutexvar_epi64(permutation, x));
        }
    }
}

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
