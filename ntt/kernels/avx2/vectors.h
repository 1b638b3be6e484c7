// SPDX-License-Identifier: Apache-2.0
//
// AVX2 with fused multiply-add: four residues at a time, as words or as doubles.
#pragma once

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

#include <lacuna/ntt/kernels/avx2/functions.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

using Vec = __m256i;   // four words
using Real = __m256d;  // four integers as doubles

constexpr std::size_t lanes = 4;

inline Vec load(const Word* p) {
    return _mm256_load_si256(reinterpret_cast<const Vec*>(p));
}
inline Vec load_unaligned(const Word* p) {
    return _mm256_loadu_si256(reinterpret_cast<const Vec*>(p));
}
inline void store(Word* p, Vec x) {
    _mm256_store_si256(reinterpret_cast<Vec*>(p), x);
}
inline Vec broadcast(Word x) {
    return _mm256_set1_epi64x(static_cast<long long>(x));
}
inline Vec zero() {
    return _mm256_setzero_si256();
}
inline Vec plus(Vec a, Vec b) {
    return _mm256_add_epi64(a, b);
}
inline Vec minus(Vec a, Vec b) {
    return _mm256_sub_epi64(a, b);
}
/// The low 64 bits of a b from 32-bit products.
inline Vec multiply_low(Vec a, Vec b) {
    const Vec cross =
        plus(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b), _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));
    return plus(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
}
inline Vec shift_left(Vec x, int count) {
    return _mm256_sll_epi64(x, _mm_cvtsi32_si128(count));
}
/// The words of a where those of `sign` are negative, else those of b.
inline Vec choose_by_sign(Vec sign, Vec a, Vec b) {
    return _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(b), _mm256_castsi256_pd(a), _mm256_castsi256_pd(sign)));
}
/// [0, 2q) -> [0, q).
inline Vec correct(Vec x, Vec q) {
    const Vec reduced = minus(x, q);
    return choose_by_sign(reduced, x, reduced);
}
/// (-q, q) -> [0, q).
inline Vec correct_signed(Vec x, Vec q) {
    return choose_by_sign(x, plus(x, q), x);
}
/// x + step where x > bound, else x; both below 2^63.
inline Vec add_above(Vec x, Vec bound, Vec step) {
    return choose_by_sign(minus(bound, x), plus(x, step), x);
}

// Integers below 2^52 become doubles by way of the exponent of 2^52, whose unit in the last place is 1.

inline Real broadcast_real(double x) {
    return _mm256_set1_pd(x);
}

/// Words in [0, 2^52).
inline Real to_real(Vec x) {
    const Real exponent = broadcast_real(0x1p52);
    return _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(x), exponent), exponent);
}
/// Integers in [0, 2^52).
inline Vec to_words(Real x) {
    const Real exponent = broadcast_real(0x1p52);
    return _mm256_castpd_si256(_mm256_xor_pd(_mm256_add_pd(x, exponent), exponent));
}
inline Real load_real(const Word* p) {
    return _mm256_load_pd(reinterpret_cast<const double*>(p));
}
inline void store_real(Word* p, Real x) {
    _mm256_store_pd(reinterpret_cast<double*>(p), x);
}
inline Real round(Real x) {
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
