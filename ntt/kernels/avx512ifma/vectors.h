// SPDX-License-Identifier: Apache-2.0
//
// AVX-512 with the 52-bit integer multipliers (IFMA): eight residues at a time.
//
// vpmadd52 multiplies the low 52 bits of two words and adds the low or high 52 bits of the product to a
// third; below these are low52(a b) and high52(a b). q < 2^50, so [0, 4q) fits an operand.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own intrinsics start from deliberately undefined vectors and then warn about them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <lacuna/ntt/kernels/avx512ifma/functions.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

using Vec = __m512i;

constexpr std::size_t lanes = 8;
constexpr Word mask52 = (Word{1} << 52) - 1;

inline Vec load(const Word* p) {
    return _mm512_load_si512(p);
}
inline Vec load_unaligned(const Word* p) {
    return _mm512_loadu_si512(p);
}
inline void store(Word* p, Vec x) {
    _mm512_store_si512(p, x);
}
inline Vec broadcast(Word x) {
    return _mm512_set1_epi64(static_cast<long long>(x));
}
inline Vec zero() {
    return _mm512_setzero_si512();
}
inline Vec plus(Vec a, Vec b) {
    return _mm512_add_epi64(a, b);
}
inline Vec minus(Vec a, Vec b) {
    return _mm512_sub_epi64(a, b);
}
/// The low 64 bits of a b.
inline Vec multiply_low(Vec a, Vec b) {
    return _mm512_mullo_epi64(a, b);
}
inline Vec shift_left(Vec x, int count) {
    return _mm512_sll_epi64(x, _mm_cvtsi32_si128(count));
}
/// x + step where x > bound, else x.
inline Vec add_above(Vec x, Vec bound, Vec step) {
    return _mm512_mask_add_epi64(x, _mm512_cmpgt_epu64_mask(x, bound), x, step);
}
/// Keeps GCC from rewriting a - (b - c) as a + (c - b) where b - c is needed too: one instruction more per
/// butterfly.
inline Vec opaque(Vec x) {
    asm("" : "+v"(x));
    return x;
}
/// c + low52(a b) and c + high52(a b).
inline Vec add_low(Vec c, Vec a, Vec b) {
    return _mm512_madd52lo_epu64(c, a, b);
}
inline Vec add_high(Vec c, Vec a, Vec b) {
    return _mm512_madd52hi_epu64(c, a, b);
}

/// [0, 2 bound) -> [0, bound): where x < bound, x - bound wraps and loses the unsigned minimum.
inline Vec correct(Vec x, Vec bound) {
    return _mm512_min_epu64(x, minus(x, bound));
}
/// [-bound, bound) -> [0, bound).
inline Vec correct_signed(Vec x, Vec bound) {
    return _mm512_min_epu64(x, plus(x, bound));
}

/// q^-1 mod 2^52 for odd q: Newton's iteration doubles the number of correct bits, from 3.
inline Word inverse_mod_word(Word q) {
    Word inverse = q;
    for (int i = 0; i < 5; ++i) {
        inverse *= 2 - q * inverse;
    }
    return inverse & mask52;
}

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
