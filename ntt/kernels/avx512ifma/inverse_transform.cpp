// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx512ifma/transform.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

namespace {

// Inverse butterflies (Gentleman-Sande): x, y -> x + y, w (x - y). What is going to be a y is kept negated,
// so that x - y is one addition. It costs nothing: sums subtract the other way, and blocks whose results are
// going to be y have -w in the table.

/// x and negated in [0, 2q] for y = -negated -> x + y (or, where negate, its opposite) and w (x - y), in
/// [0, 2q].
template <bool negate>
[[gnu::always_inline]] inline void inverse_butterfly(Vec& x, Vec& negated, const Twiddle& w,
                                                     const Constants& c) {
    const Vec difference = plus(x, negated);
    const Vec sum = negate ? minus(negated, x) : minus(x, negated);  // [-2q, 2q]
    x = correct_signed(sum, c.double_q);
    negated = low_bits(add_product(zero(), difference, w, c), c);
}

/// The last stage of all: the same input -> scale (x + y), w (x - y) in [0, q).
[[gnu::always_inline]] inline void final_inverse_butterfly(Vec& x, Vec& negated, const Twiddle& w,
                                                           const Twiddle& scale, const Constants& c) {
    const Vec sum = minus(plus(x, c.double_q), negated);
    const Vec difference = plus(x, negated);
    x = correct(low_bits(add_product(zero(), sum, scale, c), c), c.q);
    negated = correct(low_bits(add_product(zero(), difference, w, c), c), c.q);
}

/// Stage `stage` of `stages`, whose results are going to be (x) as they are, (y) negated, or (final) the sums
/// times the first pair of `ends` and the differences times the second.
template <int stages, int stage, bool per_lane, End end>
[[gnu::always_inline]] inline void inverse_stage(Vec* x, const Word* table, const Word* ends,
                                                 const Constants& c) {
    constexpr int half_log = stages - 1 - stage;
#pragma GCC unroll 8
    for (int i = 0; i < (1 << stages) / 2; ++i) {
        const int block = i >> half_log;
        Vec& upper = x[i + (block << half_log)];
        Vec& lower = x[i + (block << half_log) + (1 << half_log)];
        const Twiddle w = load_twiddle<per_lane>(table, (1 << stage) - 1 + block);
        const bool negate = stage == 0 ? end == End::y : (block & 1) != 0;
        if (stage == 0 && end == End::final) {
            final_inverse_butterfly(upper, lower, load_twiddle<false>(ends, 1), load_twiddle<false>(ends, 0),
                                    c);
        } else if (negate) {
            inverse_butterfly<true>(upper, lower, w, c);
        } else {
            inverse_butterfly<false>(upper, lower, w, c);
        }
    }
}

/// All stages between two vectors of each of 2^stages rows.
template <int stages, End end, int stage = stages - 1>
[[gnu::always_inline]] inline void inverse_stages(Vec* x0, Vec* x1, const Word* table, const Word* ends,
                                                  const Constants& c) {
    inverse_stage<stages, stage, false, end>(x0, table, ends, c);
    inverse_stage<stages, stage, false, end>(x1, table, ends, c);
    if constexpr (stage > 0) {
        inverse_stages<stages, end, stage - 1>(x0, x1, table, ends, c);
    }
}

template <int stages, End end, std::size_t fixed_stride = 0>
void inverse_pass(Word* a, std::size_t runtime_stride, const Word* table, const Word* ends,
                  const Constants& constants) {
    constexpr std::size_t rows = std::size_t{1} << stages;
    const Constants c = constants;
    const std::size_t stride = fixed_stride != 0 ? fixed_stride : runtime_stride;
    for (std::size_t j = 0; j < stride; j += 2 * lanes) {
        Vec x0[rows];
        Vec x1[rows];
#pragma GCC unroll 8
        for (std::size_t i = 0; i < rows; ++i) {
            x0[i] = load(a + i * stride + j);
            x1[i] = load(a + i * stride + j + lanes);
        }
        inverse_stages<stages, end>(x0, x1, table, ends, c);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < rows; ++i) {
            store(a + i * stride + j, x0[i]);
            store(a + i * stride + j + lanes, x1[i]);
        }
    }
}

template <std::size_t units = set_units>
[[gnu::always_inline]] inline void load_and_transpose(Vec* x, const Word* a, const Constants& c) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
        x[i] = i < 2 * units ? load(a + lanes * i) : zero();
    }
    transpose(x);
#pragma GCC unroll 8
    for (std::size_t i = 1; i < lanes; i += 2) {
        x[i] = minus(c.double_q, x[i]);
    }
}

template <int stage>
[[gnu::always_inline]] inline void inverse_lane_stage(Vec* x, const Word* table, const Constants& c) {
    inverse_stage<lane_stages, stage, true, End::x>(x, table + set_head, nullptr, c);
}

/// The stage after the second transposition; with a single unit it is the last of all.
template <std::size_t units = set_units>
[[gnu::always_inline]] inline void inverse_tail(Word* a, Vec* x, const Word* table, const Word* ends,
                                                const Constants& c) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < units; ++i) {
        Vec upper = x[2 * i];
        Vec lower = minus(c.double_q, x[2 * i + 1]);
        const Twiddle w = load_twiddle<false>(table, static_cast<int>(i));
        if (units == 1) {
            final_inverse_butterfly(upper, lower, load_twiddle<false>(ends, 1), load_twiddle<false>(ends, 0),
                                    c);
        } else if (i % 2 == 0) {
            inverse_butterfly<false>(upper, lower, w, c);
        } else {
            inverse_butterfly<true>(upper, lower, w, c);
        }
        store(a + lanes * 2 * i, upper);
        store(a + lanes * (2 * i + 1), lower);
    }
}

/// The first four stages of the inverse on `words` words, a multiple of 128, from [0, 2q); x and y as in
/// forward_last.
void inverse_last(Word* a, std::size_t words, const Word* table, const Constants& constants) {
    const Constants c = constants;
    Vec x[lanes];
    Vec y[lanes];
    for (Word* const end = a + words; a != end; a += 2 * set_words, table += 2 * set_constants) {
        const Word* y_table = table + set_constants;
        load_and_transpose(x, a, c);
        load_and_transpose(y, a + set_words, c);
        inverse_lane_stage<2>(x, table, c);
        inverse_lane_stage<2>(y, y_table, c);
        inverse_lane_stage<1>(x, table, c);
        inverse_lane_stage<1>(y, y_table, c);
        inverse_lane_stage<0>(x, table, c);
        inverse_lane_stage<0>(y, y_table, c);
        transpose(x);
        transpose(y);
        inverse_tail(a, x, table, nullptr, c);
        inverse_tail(a + set_words, y, y_table, nullptr, c);
    }
}

/// The same on less than 128 words.
template <std::size_t units>
void inverse_small(Word* a, const Word* table, const Word* ends, const Constants& c) {
    Vec x[lanes];
    load_and_transpose<units>(x, a, c);
    inverse_lane_stage<2>(x, table, c);
    inverse_lane_stage<1>(x, table, c);
    inverse_lane_stage<0>(x, table, c);
    transpose(x);
    inverse_tail<units>(a, x, table, ends, c);
}

template <End end>
void inverse_block(Word* a, std::size_t length, int stages, const Word* table, const Word* ends,
                   const Constants& c) {
    const std::size_t stride = length >> stages;
    switch (stages) {
        case 1:
            inverse_pass<1, end>(a, stride, table, ends, c);
            break;
        case 2:
            inverse_pass<2, end>(a, stride, table, ends, c);
            break;
        default:
            switch (stride) {
                case 16:
                    inverse_pass<3, end, 16>(a, stride, table, ends, c);
                    break;
                case 128:
                    inverse_pass<3, end, 128>(a, stride, table, ends, c);
                    break;
                default:
                    inverse_pass<3, end, 1024>(a, stride, table, ends, c);
            }
    }
}

void inverse_passes(Word* a, std::size_t length, std::size_t first_block, std::size_t blocks,
                    const Pass& pass, const Word* table, const Word* ends, const Constants& c) {
    const std::size_t step = pass_constants(pass.stages);
    const Word* constants = table + pass.offset + first_block * step;
    for (std::size_t block = first_block; block < first_block + blocks;
         ++block, a += length, constants += step) {
        if (pass.done == 0) {
            inverse_block<End::final>(a, length, pass.stages, constants, ends, c);
        } else if (block % 2 == 0) {
            inverse_block<End::x>(a, length, pass.stages, constants, ends, c);
        } else {
            inverse_block<End::y>(a, length, pass.stages, constants, ends, c);
        }
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
            ends[i] = modulus.multiply(ends[i], factor);
            ends[i + 1] = twiddle_quotient(ends[i], modulus);
        }
    }
    run_inverse(
        plan, a,
        [&](int p, Word* x, std::size_t length, std::size_t first, std::size_t blocks) {
            inverse_passes(x, length, first, blocks, plan.passes[p], table, ends, c);
        },
        [&](Word* x, std::size_t first, std::size_t words) {
            const Word* constants = table + plan.last_offset + first / set_words * set_constants;
            switch (words) {
                case 16:
                    inverse_small<1>(x, constants, ends, c);
                    break;
                case 32:
                    inverse_small<2>(x, constants, ends, c);
                    break;
                case 64:
                    inverse_small<4>(x, constants, ends, c);
                    break;
                default:
                    inverse_last(x, words, constants, c);
            }
        });
}

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
