// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx2/transform.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

namespace {

/// x, y -> x + y, w (x - y).
[[gnu::always_inline]] inline void inverse_butterfly(Real& x, Real& y, const Twiddle& w, const Constants& c) {
    const Real difference = _mm256_sub_pd(x, y);
    x = _mm256_add_pd(x, y);
    y = multiply(difference, w, c);
}

/// The last stage of all: x, y -> scale (x + y), w (x - y).
[[gnu::always_inline]] inline void final_inverse_butterfly(Real& x, Real& y, const Twiddle& w,
                                                           const Twiddle& scale, const Constants& c) {
    const Real difference = _mm256_sub_pd(x, y);
    x = multiply(_mm256_add_pd(x, y), scale, c);
    y = multiply(difference, w, c);
}

// Stages between registers: `columns` independent sets of 2^stages registers go in step, because one leaves
// the units waiting for each other. Pair 2^s - 1 + i of the table belongs to block i of stage s; the tables
// of two sets are `table_step` words apart.

/// One or two stages, from |x| <= 1.5 q to the same. Of the results only the sum of all four can be larger,
/// and it is reduced; a product of differences, below 6q, is at most q, and the sum of two products of
/// differences below 3q at most 1.5 q. At the end of the transform stage 0 multiplies sums and differences by
/// the two pairs at `ends`: (-q, q).
template <int stages, bool per_lane, int columns, bool final = false>
[[gnu::always_inline]] inline void inverse_stages(Real (*x)[1 << stages], const Word* table,
                                                  std::size_t table_step, const Constants& c,
                                                  const Word* ends = nullptr) {
#pragma GCC unroll 2
    for (int stage = stages - 1; stage >= 0; --stage) {
        const int half = 1 << (stages - 1 - stage);
#pragma GCC unroll 2
        for (int i = 0; i < (1 << stages) / 2; ++i) {
            const int block = i / half;
            const int upper = i + block * half;
#pragma GCC unroll 2
            for (int column = 0; column < columns; ++column) {
                const Word* constants = table + static_cast<std::size_t>(column) * table_step;
                const Twiddle w = load_twiddle<per_lane>(constants, (1 << stage) - 1 + block);
                if (final && stage == 0) {
                    final_inverse_butterfly(x[column][upper], x[column][upper + half],
                                            load_twiddle<false>(ends, 1), load_twiddle<false>(ends, 0), c);
                } else {
                    inverse_butterfly(x[column][upper], x[column][upper + half], w, c);
                }
            }
        }
    }
    if constexpr (!final) {
#pragma GCC unroll 2
        for (int column = 0; column < columns; ++column) {
            x[column][0] = centre(x[column][0], c);
        }
    }
}

template <bool final>
inline void write(Word* p, Real x, const Constants& c) {
    if constexpr (final) {
        store(p, finish(x, c));
    } else {
        store_real(p, x);
    }
}

template <int stages, bool final>
void inverse_pass(Word* a, std::size_t stride, const Word* table, const Constants& constants,
                  const Word* ends) {
    constexpr std::size_t rows = std::size_t{1} << stages;
    const Constants c = constants;
    for (std::size_t j = 0; j < stride; j += 2 * lanes) {
        Real x[2][rows];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows; ++i) {
            x[0][i] = load_real(a + i * stride + j);
            x[1][i] = load_real(a + i * stride + j + lanes);
        }
        inverse_stages<stages, false, 2, final>(x, table, 0, c, ends);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows; ++i) {
            write<final>(a + i * stride + j, x[0][i], c);
            write<final>(a + i * stride + j + lanes, x[1][i], c);
        }
    }
}

template <bool final, std::size_t columns>
void inverse_span(Word* a, std::size_t blocks, const Word* table, const Constants& c, const Word* ends) {
    for (std::size_t block = 0; block < blocks; ++block) {
        Real x[1][lanes];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < lanes; ++i) {
            const Vec words = load(a + block * block_words + lanes * i);
            x[0][i] = _mm256_sub_pd(to_real(words), c.q);  // [0, 2q) -> [-q, q)
        }
        transpose(x[0]);
        store_blocks<1>(a + block * block_words, x);
    }
    for (std::size_t block = 0; block < blocks; block += columns) {
        Real x[columns][lanes];
        load_blocks<columns>(x, a + block * block_words);
        inverse_stages<2, true, columns>(x, table + block * block_constants + block_head, block_constants, c);
        store_blocks<columns>(a + block * block_words, x);
    }
    for (std::size_t block = 0; block < blocks; block += columns) {
        Real x[columns][lanes];
        load_blocks<columns>(x, a + block * block_words);
#pragma GCC unroll 2
        for (std::size_t column = 0; column < columns; ++column) {
            transpose(x[column]);
        }
        inverse_stages<2, false, columns, final>(x, table + block * block_constants, block_constants, c,
                                                 ends);
#pragma GCC unroll 2
        for (std::size_t column = 0; column < columns; ++column) {
#pragma GCC unroll 4
            for (std::size_t i = 0; i < lanes; ++i) {
                write<final>(a + (block + column) * block_words + lanes * i, x[column][i], c);
            }
        }
    }
}

template <bool final>
void inverse_block(Word* a, std::size_t length, int stages, const Word* table, const Constants& c,
                   const Word* ends) {
    if (stages == 1) {
        inverse_pass<1, final>(a, length / 2, table, c, ends);
    } else {
        inverse_pass<2, final>(a, length / 4, table, c, ends);
    }
}

void inverse_passes(Word* a, std::size_t length, std::size_t first_block, std::size_t blocks,
                    const Pass& pass, const Word* table, const Word* ends, const Constants& c) {
    const std::size_t step = pass_constants(pass.stages);
    const Word* constants = table + pass.offset + first_block * step;
    for (std::size_t block = 0; block < blocks; ++block, a += length, constants += step) {
        if (pass.done == 0) {
            inverse_block<true>(a, length, pass.stages, constants, c, ends);
        } else {
            inverse_block<false>(a, length, pass.stages, constants, c, nullptr);
        }
    }
}

void inverse_last(Word* a, std::size_t blocks, const Word* table, const Constants& constants) {
    const Constants c = constants;
    const std::size_t step = std::min(blocks, span_blocks);
    for (std::size_t block = 0; block < blocks; block += step) {
        inverse_span<false, 2>(a + block * block_words, step, table + block * block_constants, c, nullptr);
    }
}

}  // namespace

void ntt_inverse(const NttTables& tables, Word* a, Word factor) {
    const Modulus& modulus = tables.modulus();
    const Plan plan(tables.size());
    const Constants c(modulus);
    const Word* table = tables.inverse_twiddles().data();
    Word ends[table_ends];
    std::copy_n(table, table_ends, ends);
    if (factor != 1) {
        for (std::size_t i = 0; i < table_ends; i += 2) {
            const auto w = static_cast<std::int64_t>(std::bit_cast<double>(ends[i]));
            put_twiddle(ends + i, 1, modulus.multiply(modulus.reduce_signed(w), factor), modulus);
        }
    }
    if (plan.count == 0) {
        inverse_span<true, 1>(a, 1, table + plan.last_offset, c, ends);
        return;
    }
    run_inverse(
        plan, a,
        [&](int p, Word* x, std::size_t length, std::size_t first, std::size_t blocks) {
            inverse_passes(x, length, first, blocks, plan.passes[p], table, ends, c);
        },
        [&](Word* x, std::size_t first, std::size_t words) {
            const Word* constants = table + plan.last_offset + first / block_words * block_constants;
            inverse_last(x, words / block_words, constants, c);
        });
}

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
