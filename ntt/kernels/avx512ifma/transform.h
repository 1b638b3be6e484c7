// SPDX-License-Identifier: Apache-2.0
//
// What both directions of the transform and their tables share.
//
// Products by a constant w are Shoup's (Harvey, arXiv 1205.2926) with radix 2^52: for y < 2^52 and w' =
// floor(w 2^52 / q), y w - high52(y w') q is congruent to y w and in [0, 2q). Both terms are added to what is
// there as low52(y w) and low52(h (2^52 - q)), which makes a sum that is right modulo 2^52 only. A multiplier
// reads no more than that; elsewhere a mask restores the word. What counts here is the number of
// instructions, loads and copies among them: the processor issues six of them a cycle.
//
// A transform makes passes of up to three stages, with two vectors of each row in flight, because one leaves
// the multipliers waiting for each other. The last pass takes four stages over 16 vectors: one between
// registers, then, after transposing them, three more, and back.
#pragma once

#include <algorithm>
#include <bit>

#include <lacuna/ntt/kernels/avx512ifma/vectors.h>
#include <lacuna/ntt/ntt_tables.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

constexpr std::size_t table_head = lanes;

constexpr int pass_stages(int left) {
    return left % 3 == 0 ? 3 : left == 1 ? 1 : 2;
}
constexpr std::size_t last_constants(std::size_t n);  // below: made of what passes.h defines

#include <lacuna/ntt/kernels/generic/passes.h>

constexpr int lane_stages = 3;  // of these, the stages after the transposition
constexpr std::size_t unit_words = std::size_t{1} << last_stages;
/// In the last pass, for each set of up to eight vectors: four pairs, then 1 + 2 + 4 pairs of vectors.
constexpr std::size_t set_words = 64;
constexpr std::size_t set_units = set_words / unit_words;
constexpr std::size_t set_head = 2 * set_units;
constexpr std::size_t set_constants = set_head + pass_constants(lane_stages) * lanes;

constexpr std::size_t last_constants(std::size_t n) {
    return (n + set_words - 1) / set_words * set_constants;
}

inline Word twiddle_quotient(Word w, const Modulus& modulus) {
    return static_cast<Word>((uint128_t{w} << 52) / modulus.value());
}

struct Constants {
    explicit Constants(const Modulus& modulus)
        : q(broadcast(modulus.value())),
          minus_q(broadcast((Word{1} << 52) - modulus.value())),
          double_q(broadcast(2 * modulus.value())),
          minus_double_q(broadcast(Word{0} - 2 * modulus.value())),
          two(broadcast(2)),
          mask(broadcast(mask52)) {}
    Vec q;
    Vec minus_q;  // modulo 2^52
    Vec double_q;
    Vec minus_double_q;
    Vec two;
    Vec mask;
};

/// w and w' of one product, the same or different for each lane.
struct Twiddle {
    Vec value;
    Vec quotient;
};

/// Pair i of a table of pairs of words, or of pairs of vectors.
template <bool per_lane>
inline Twiddle load_twiddle(const Word* table, int i) {
    const auto index = 2 * static_cast<std::size_t>(i);
    if constexpr (per_lane) {
        return {load(table + lanes * index), load(table + lanes * (index + 1))};
    } else {
        return {broadcast(table[index]), broadcast(table[index + 1])};
    }
}

/// sum + y w modulo 2^52, the product in [0, 2q) for y < 2^52.
inline Vec add_product(Vec sum, Vec y, const Twiddle& w, const Constants& c) {
    return add_low(add_low(sum, y, w.value), add_high(zero(), y, w.quotient), c.minus_q);
}
inline Vec low_bits(Vec x, const Constants& c) {
    return _mm512_and_si512(x, c.mask);
}

/// Transposes the 8 x 8 matrix whose rows are x[0 ... 7]: bits of the lane number and of the register number
/// swap.
[[gnu::always_inline]] inline void transpose(Vec* x) {
    const Vec a0 = _mm512_unpacklo_epi64(x[0], x[1]);
    const Vec a1 = _mm512_unpackhi_epi64(x[0], x[1]);
    const Vec a2 = _mm512_unpacklo_epi64(x[2], x[3]);
    const Vec a3 = _mm512_unpackhi_epi64(x[2], x[3]);
    const Vec a4 = _mm512_unpacklo_epi64(x[4], x[5]);
    const Vec a5 = _mm512_unpackhi_epi64(x[4], x[5]);
    const Vec a6 = _mm512_unpacklo_epi64(x[6], x[7]);
    const Vec a7 = _mm512_unpackhi_epi64(x[6], x[7]);
    // a0 = 00 10 | 02 12 | 04 14 | 06 16 (row, column); pairs of 128 bits move from here on.
    const Vec b0 = _mm512_shuffle_i64x2(a0, a2, 0x88);  // 00 10 | 04 14 | 20 30 | 24 34
    const Vec b1 = _mm512_shuffle_i64x2(a1, a3, 0x88);
    const Vec b2 = _mm512_shuffle_i64x2(a0, a2, 0xdd);  // 02 12 | 06 16 | 22 32 | 26 36
    const Vec b3 = _mm512_shuffle_i64x2(a1, a3, 0xdd);
    const Vec b4 = _mm512_shuffle_i64x2(a4, a6, 0x88);
    const Vec b5 = _mm512_shuffle_i64x2(a5, a7, 0x88);
    const Vec b6 = _mm512_shuffle_i64x2(a4, a6, 0xdd);
    const Vec b7 = _mm512_shuffle_i64x2(a5, a7, 0xdd);
    x[0] = _mm512_shuffle_i64x2(b0, b4, 0x88);  // 00 10 | 20 30 | 40 50 | 60 70
    x[1] = _mm512_shuffle_i64x2(b1, b5, 0x88);
    x[2] = _mm512_shuffle_i64x2(b2, b6, 0x88);
    x[3] = _mm512_shuffle_i64x2(b3, b7, 0x88);
    x[4] = _mm512_shuffle_i64x2(b0, b4, 0xdd);
    x[5] = _mm512_shuffle_i64x2(b1, b5, 0xdd);
    x[6] = _mm512_shuffle_i64x2(b2, b6, 0xdd);
    x[7] = _mm512_shuffle_i64x2(b3, b7, 0xdd);
}

/// How the stages of a pass end: what their results are for the next one, or that none comes after it.
enum class End { x, y, final };

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
