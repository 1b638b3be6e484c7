// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx512ifma/transform.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

namespace {

// Forward butterflies (Cooley-Tukey): x, y -> x + w y, x - w y.
//
//   x --[ reduce to [0, 2q) ]--+-- + --- x + w y
//                              |
//   y --------[ times w ]------+-- - --- x - w y (+ 2q)
//
// The multiplier takes y in [0, 4q) modulo 2^52, so where the next stage multiplies the results, they may
// stay as they are. Where it reduces them as its x, they must be words, but the difference may stay in (-2q,
// 2q), which saves its addition: adding 2q instead of subtracting reduces that form.

/// What the results are for the next stage: every lane an x, a y, or some of them either.
enum class Next { x, y, either };

/// x in [0, 4q), and then excess is 2q, or x in (-2q, 2q), and then excess is -2q; y in [0, 4q) modulo 2^52.
/// Results are in [0, 4q), if they will be a y modulo 2^52; but if they will be an x, the new y is in
/// (-2q, 2q).
template <Next next>
[[gnu::always_inline]] inline void forward_butterfly(Vec& x, Vec& y, const Twiddle& w, Vec excess,
                                                     const Constants& c) {
    const Vec reduced = correct(x, excess);
    const Vec twice = opaque(next == Next::x ? plus(reduced, reduced) : add_low(c.double_q, reduced, c.two));
    const Vec sum = add_product(reduced, y, w, c);
    x = opaque(next == Next::y ? sum : low_bits(sum, c));
    y = minus(twice, x);
}

/// The last stage of all: the same input, output in [0, q).
[[gnu::always_inline]] inline void final_forward_butterfly(Vec& x, Vec& y, const Twiddle& w, Vec excess,
                                                           const Constants& c) {
    const Vec reduced = correct(correct(x, excess), c.q);
    const Vec product = correct(low_bits(add_product(zero(), y, w, c), c), c.q);
    x = correct(plus(reduced, product), c.q);
    y = correct_signed(minus(reduced, product), c.q);
}

/// Stage `stage` of `stages` between the 2^stages registers x. Pair 2^s - 1 + i of the table belongs to block
/// i of stage s; excess describes the x of stage 0, as it comes from the pass before.
template <int stages, int stage, bool per_lane, End end>
[[gnu::always_inline]] inline void forward_stage(Vec* x, const Word* table, Vec excess, const Constants& c) {
    constexpr int half_log = stages - 1 - stage;
#pragma GCC unroll 8
    for (int i = 0; i < (1 << stages) / 2; ++i) {
        const int block = i >> half_log;
        Vec& upper = x[i + (block << half_log)];
        Vec& lower = x[i + (block << half_log) + (1 << half_log)];
        const Twiddle w = load_twiddle<per_lane>(table, (1 << stage) - 1 + block);
        const Vec form = stage == 0 ? excess : (block & 1) != 0 ? c.minus_double_q : c.double_q;
        const bool next_is_y =
            stage == stages - 1 ? end == End::y : ((i >> (half_log == 0 ? 0 : half_log - 1)) & 1) != 0;
        if (stage == stages - 1 && end == End::final) {
            final_forward_butterfly(upper, lower, w, form, c);
        } else if (next_is_y) {
            forward_butterfly<Next::y>(upper, lower, w, form, c);
        } else {
            forward_butterfly<Next::x>(upper, lower, w, form, c);
        }
    }
}

/// All stages between two vectors of each of 2^stages rows.
template <int stages, End end0, End end1, int stage = 0>
[[gnu::always_inline]] inline void forward_stages(Vec* x0, Vec* x1, const Word* table, Vec excess,
                                                  const Constants& c) {
    forward_stage<stages, stage, false, end0>(x0, table, excess, c);
    forward_stage<stages, stage, false, end1>(x1, table, excess, c);
    if constexpr (stage + 1 < stages) {
        forward_stages<stages, end0, end1, stage + 1>(x0, x1, table, excess, c);
    }
}

template <int stages, End end0, End end1>
[[gnu::always_inline]] inline void forward_columns(Word* a, const Word* source, std::size_t stride,
                                                   const Word* table, Vec excess, const Constants& c) {
    constexpr std::size_t rows = std::size_t{1} << stages;
    Vec x0[rows];
    Vec x1[rows];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < rows; ++i) {
        x0[i] = load(source + i * stride);
        x1[i] = load(source + i * stride + lanes);
    }
    forward_stages<stages, end0, end1>(x0, x1, table, excess, c);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < rows; ++i) {
        store(a + i * stride, x0[i]);
        store(a + i * stride + lanes, x1[i]);
    }
}

/// One block, from source to a. In the next stage, the first half of each row is going to be an x and the
/// second a y. The stride is a template parameter where it is not zero: sixteen addresses are too many to
/// keep otherwise.
template <int stages, std::size_t fixed_stride = 0>
void forward_pass(Word* a, const Word* source, std::size_t runtime_stride, const Word* table, Vec excess,
                  const Constants& constants) {
    const Constants c = constants;
    const std::size_t stride = fixed_stride != 0 ? fixed_stride : runtime_stride;
    if (stride == 2 * lanes) {
        forward_columns<stages, End::x, End::y>(a, source, stride, table, excess, c);
        return;
    }
    for (std::size_t j = 0; j < stride / 2; j += 2 * lanes) {
        forward_columns<stages, End::x, End::x>(a + j, source + j, stride, table, excess, c);
    }
    for (std::size_t j = stride / 2; j < stride; j += 2 * lanes) {
        forward_columns<stages, End::y, End::y>(a + j, source + j, stride, table, excess, c);
    }
}

/// Reads a set of eight vectors (or fewer, filled up with zeros) and makes the stage before the
/// transposition.
template <std::size_t units = set_units>
[[gnu::always_inline]] inline void forward_head(Vec* x, const Word* a, const Word* table,
                                                const Constants& c) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
        x[i] = i < 2 * units ? load(a + lanes * i) : zero();
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < units; ++i) {
        forward_butterfly<Next::either>(x[2 * i], x[2 * i + 1],
                                        load_twiddle<false>(table, static_cast<int>(i)),
                                        i % 2 == 0 ? c.double_q : c.minus_double_q, c);
    }
}

template <int stage>
[[gnu::always_inline]] inline void forward_lane_stage(Vec* x, const Word* table, const Constants& c) {
    forward_stage<lane_stages, stage, true, End::final>(x, table + set_head, c.double_q, c);
}

template <std::size_t units = set_units>
[[gnu::always_inline]] inline void transpose_and_store(Word* a, Vec* x) {
    transpose(x);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 2 * units; ++i) {
        store(a + lanes * i, x[i]);
    }
}

/// The last four stages of `words` words, a multiple of 128. Two sets x and y are in flight, half a round
/// apart, so that one's butterflies fill the gaps while the other is transposed.
void forward_last(Word* a, std::size_t words, const Word* table, const Constants& constants) {
    const Constants c = constants;
    Vec x[lanes];
    Vec y[lanes];
    forward_head(x, a, table, c);
    transpose(x);
    forward_lane_stage<0>(x, table, c);
    for (Word* const end = a + words; a != end; a += 2 * set_words) {
        const Word* y_table = table + set_constants;
        forward_lane_stage<1>(x, table, c);
        forward_head(y, a + set_words, y_table, c);
        forward_lane_stage<2>(x, table, c);
        transpose(y);
        transpose_and_store(a, x);
        forward_lane_stage<0>(y, y_table, c);
        // After the last set, any words will do.
        const std::size_t next = a + 2 * set_words == end ? 0 : 1;
        table += next * 2 * set_constants;
        forward_head(x, a + next * 2 * set_words, table, c);
        forward_lane_stage<1>(y, y_table, c);
        transpose(x);
        forward_lane_stage<2>(y, y_table, c);
        forward_lane_stage<0>(x, table, c);
        transpose_and_store(a + set_words, y);
    }
}

/// The same on less than 128 words.
template <std::size_t units>
void forward_small(Word* a, const Word* table, const Constants& c) {
    Vec x[lanes];
    forward_head<units>(x, a, table, c);
    transpose(x);
    forward_lane_stage<0>(x, table, c);
    forward_lane_stage<1>(x, table, c);
    forward_lane_stage<2>(x, table, c);
    transpose_and_store<units>(a, x);
}

void forward_passes(Word* a, const Word* source, std::size_t length, std::size_t first_block,
                    std::size_t blocks, const Pass& pass, const Word* table, const Constants& c) {
    const std::size_t stride = length >> pass.stages;
    const std::size_t step = pass_constants(pass.stages);
    table += pass.offset + first_block * step;
    for (std::size_t block = first_block; block < first_block + blocks;
         ++block, a += length, source += length, table += step) {
        const Vec excess = block % 2 == 0 ? c.double_q : c.minus_double_q;
        switch (pass.stages) {
            case 1:
                forward_pass<1>(a, source, stride, table, excess, c);
                break;
            case 2:
                forward_pass<2>(a, source, stride, table, excess, c);
                break;
            default:
                switch (stride) {
                    case 16:
                        forward_pass<3, 16>(a, source, stride, table, excess, c);
                        break;
                    case 128:
                        forward_pass<3, 128>(a, source, stride, table, excess, c);
                        break;
                    default:
                        forward_pass<3, 1024>(a, source, stride, table, excess, c);
                }
        }
    }
}

}  // namespace

void ntt_forward(const NttTables& tables, Word* a, const Word* source) {
    const Plan plan(tables.size());
    const Constants c(tables.modulus());
    const Word* table = tables.forward_twiddles().data();
    run_forward(
        plan, a, source,
        [&](int p, Word* out, const Word* in, std::size_t length, std::size_t first, std::size_t blocks) {
            forward_passes(out, in, length, first, blocks, plan.passes[p], table, c);
        },
        [&](Word* out, std::size_t first, std::size_t words) {
            const Word* constants = table + plan.last_offset + first / set_words * set_constants;
            switch (words) {
                case 16:
                    forward_small<1>(out, constants, c);
                    break;
                case 32:
                    forward_small<2>(out, constants, c);
                    break;
                case 64:
                    forward_small<4>(out, constants, c);
                    break;
                default:
                    forward_last(out, words, constants, c);
            }
        });
}

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
