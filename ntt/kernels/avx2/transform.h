// SPDX-License-Identifier: Apache-2.0
//
// What both directions of the transform and their tables share.
//
// The array holds doubles between the first pass and the last. There are passes of two stages (one, where the
// number is odd), then one of four stages over blocks of 16 words that are held in four registers: two stages
// between registers, a transposition, two more, and back.
#pragma once

#include <algorithm>
#include <bit>

#include <lacuna/ntt/kernels/avx2/modular.h>
#include <lacuna/ntt/ntt_tables.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

constexpr std::size_t table_head = 4;

constexpr int pass_stages(int left) {
    return left % 2 == 0 ? 2 : 1;
}
constexpr std::size_t last_constants(std::size_t n);  // below: made of what passes.h defines

#include <lacuna/ntt/kernels/generic/passes.h>

constexpr std::size_t block_words = std::size_t{1} << last_stages;
/// Three pairs (w, w / q) and a gap for the stages between registers, one and two pairs of vectors for the
/// others.
constexpr std::size_t block_head = 8;
constexpr std::size_t block_constants = block_head + 3 * 2 * lanes;
/// Blocks that the last pass takes in one span: 4 kilobytes.
constexpr std::size_t span_blocks = 32;

constexpr std::size_t last_constants(std::size_t n) {
    return n / block_words * block_constants;
}

/// The Twiddle of w as two words, `gap` apart.
inline void put_twiddle(Word* table, std::size_t gap, Word w, const Modulus& q) {
    const double value = centred(w, q);
    table[0] = std::bit_cast<Word>(value);
    table[gap] = std::bit_cast<Word>(value / static_cast<double>(q.value()));
}

template <bool per_lane>
inline Twiddle load_twiddle(const Word* table, int i) {
    const auto index = 2 * static_cast<std::size_t>(i);
    if constexpr (per_lane) {
        return {load_real(table + lanes * index), load_real(table + lanes * (index + 1))};
    } else {
        const auto* reals = reinterpret_cast<const double*>(table);
        return {_mm256_broadcast_sd(reals + index), _mm256_broadcast_sd(reals + index + 1)};
    }
}

/// Transposes the 4 x 4 matrix whose rows are x[0 ... 3].
[[gnu::always_inline]] inline void transpose(Real (&x)[4]) {
    const Real a0 = _mm256_unpacklo_pd(x[0], x[1]);
    const Real a1 = _mm256_unpackhi_pd(x[0], x[1]);
    const Real a2 = _mm256_unpacklo_pd(x[2], x[3]);
    const Real a3 = _mm256_unpackhi_pd(x[2], x[3]);
    x[0] = _mm256_permute2f128_pd(a0, a2, 0x20);
    x[1] = _mm256_permute2f128_pd(a1, a3, 0x20);
    x[2] = _mm256_permute2f128_pd(a0, a2, 0x31);
    x[3] = _mm256_permute2f128_pd(a1, a3, 0x31);
}

// The last four stages go over a span of a few kilobytes in three short loops instead of one long one: the
// scheduler of the processor then sees several independent iterations at once.

template <int columns>
[[gnu::always_inline]] inline void load_blocks(Real (*x)[lanes], const Word* a) {
#pragma GCC unroll 2
    for (std::size_t column = 0; column < columns; ++column) {
#pragma GCC unroll 4
        for (std::size_t i = 0; i < lanes; ++i) {
            x[column][i] = load_real(a + column * block_words + lanes * i);
        }
    }
}

template <int columns>
[[gnu::always_inline]] inline void store_blocks(Word* a, const Real (*x)[lanes]) {
#pragma GCC unroll 2
    for (std::size_t column = 0; column < columns; ++column) {
#pragma GCC unroll 4
        for (std::size_t i = 0; i < lanes; ++i) {
            store_real(a + column * block_words + lanes * i, x[column][i]);
        }
    }
}

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
