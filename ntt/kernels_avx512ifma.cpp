// SPDX-License-Identifier: Apache-2.0
//
// AVX-512 with the 52-bit integer multipliers (IFMA): eight residues at a time.
//
// vpmadd52 multiplies the low 52 bits of two words and adds the low or high 52 bits of the product to a
// third; below these are low52(a b) and high52(a b). q < 2^50, so [0, 4q) fits an operand.
#include <algorithm>
#include <bit>
#include <iterator>

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own intrinsics start from deliberately undefined vectors and then warn about them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "ntt/kernels_list.h"
#include "ntt/ntt_tables.h"
#include "ntt/twiddle_powers.h"

namespace lacuna {

namespace {

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vpopcntdq");
}

}  // namespace

}  // namespace lacuna

// Every function from here to the end of the region may use these instructions and is reached only after
// supported().
#if defined(__clang__)
#pragma clang attribute push(                                                                             \
    __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma,avx512vpopcntdq,bmi2,popcnt"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma,avx512vpopcntdq,bmi2,popcnt")
#endif

namespace lacuna {

namespace {

using Word = std::uint64_t;
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
Word inverse_mod_word(Word q) {
    Word inverse = q;
    for (int i = 0; i < 5; ++i) {
        inverse *= 2 - q * inverse;
    }
    return inverse & mask52;
}

// ---- transforms
//
// Products by a constant w are Shoup's (Harvey, arXiv 1205.2926) with radix 2^52: for y < 2^52 and w' =
// floor(w 2^52 / q), y w - high52(y w') q is congruent to y w and in [0, 2q). Both terms are added to what is
// there as low52(y w) and low52(h (2^52 - q)), which makes a sum that is right modulo 2^52 only. A multiplier
// reads no more than that; elsewhere a mask restores the word. What counts here is the number of
// instructions, loads and copies among them: the processor issues six of them a cycle.
//
// A transform makes passes of up to three stages over blocks of the array, with two vectors of each row in
// flight, because one leaves the multipliers waiting for each other. The last pass takes four stages over 16
// vectors: one between registers, then, after transposing them, three more, and back. Blocks of at most
// chunk_words, which fit the first-level cache, go through all the late passes before the next one starts.
// The constants lie in the order in which the passes read them.

constexpr int last_stages = 4;
constexpr int lane_stages = 3;  // of these, the stages after the transposition
constexpr std::size_t unit_words = std::size_t{1} << last_stages;
constexpr std::size_t chunk_words = 4096;

/// One pass: `done` stages come before it, so that there are 2^done blocks; their constants begin at
/// `offset`.
struct Pass {
    int done = 0;
    int stages = 0;
    std::size_t offset = 0;
};

/// Words of constants that a block of a pass of s stages between registers needs: 2^s - 1 pairs (w, w').
constexpr std::size_t pass_constants(int stages) {
    return 2 * ((std::size_t{1} << stages) - 1);
}
/// In the last pass, for each set of up to eight vectors: four pairs, then 1 + 2 + 4 pairs of vectors.
constexpr std::size_t set_words = 64;
constexpr std::size_t set_units = set_words / unit_words;
constexpr std::size_t set_head = 2 * set_units;
constexpr std::size_t set_constants = set_head + pass_constants(lane_stages) * lanes;
/// A table begins with the two pairs of the inverse's last stage, for the sums (1/n) and for the differences,
/// and a gap.
constexpr std::size_t table_head = lanes;
constexpr std::size_t table_ends = 4;

Word twiddle_quotient(Word w, const Modulus& modulus) {
    return static_cast<Word>((uint128_t{w} << 52) / modulus.value());
}

/// How a transform of n words is cut into passes.
struct Plan {
    explicit Plan(std::size_t n) : last_done(std::countr_zero(n) - last_stages) {
        std::size_t offset = table_head;
        for (int done = 0; done < last_done; done += passes[count++].stages) {
            const int left = last_done - done;
            passes[count] = {done, left % 3 == 0 ? 3 : left == 1 ? 1 : 2, offset};
            offset += pass_constants(passes[count].stages) << done;
        }
        last_offset = (offset + lanes - 1) / lanes * lanes;
        words = last_offset + (n + set_words - 1) / set_words * set_constants;
    }

    int count = 0;
    Pass passes[5];
    int last_done;
    std::size_t last_offset = 0;
    std::size_t words = 0;
};

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

/// How the stages of a pass end.
enum class End { x, y, final };

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

void ntt_forward(const NttTables& tables, Word* a, const Word* source) {
    const std::size_t n = tables.size();
    const Plan plan(n);
    const Constants c(tables.modulus());
    const Word* table = tables.forward_twiddles().data();
    int whole = 0;  // passes over the whole array
    for (; whole < plan.count && n >> plan.passes[whole].done > chunk_words; ++whole) {
        const int done = plan.passes[whole].done;
        forward_passes(a, source, n >> done, 0, std::size_t{1} << done, plan.passes[whole], table, c);
        source = a;
    }
    if (source != a) {  // all of it fits the first-level cache
        std::copy_n(source, n, a);
    }
    const std::size_t chunk = n >> (whole < plan.count ? plan.passes[whole].done : plan.last_done);
    for (std::size_t first = 0; first < n; first += chunk) {
        for (int p = whole; p < plan.count; ++p) {
            const std::size_t length = n >> plan.passes[p].done;
            forward_passes(a + first, a + first, length, first / length, chunk / length, plan.passes[p],
                           table, c);
        }
        const Word* constants = table + plan.last_offset + first / set_words * set_constants;
        switch (chunk) {
            case 16:
                forward_small<1>(a, constants, c);
                break;
            case 32:
                forward_small<2>(a, constants, c);
                break;
            case 64:
                forward_small<4>(a, constants, c);
                break;
            default:
                forward_last(a + first, chunk, constants, c);
        }
    }
}

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

void ntt_inverse(const NttTables& tables, Word* a, Word factor) {
    const std::size_t n = tables.size();
    const Modulus& modulus = tables.modulus();
    const Plan plan(n);
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
    int whole = 0;  // passes over the whole array
    while (whole < plan.count && n >> plan.passes[whole].done > chunk_words) {
        ++whole;
    }
    const std::size_t chunk = n >> (whole < plan.count ? plan.passes[whole].done : plan.last_done);
    for (std::size_t first = 0; first < n; first += chunk) {
        const Word* constants = table + plan.last_offset + first / set_words * set_constants;
        switch (chunk) {
            case 16:
                inverse_small<1>(a, constants, ends, c);
                break;
            case 32:
                inverse_small<2>(a, constants, ends, c);
                break;
            case 64:
                inverse_small<4>(a, constants, ends, c);
                break;
            default:
                inverse_last(a + first, chunk, constants, c);
        }
        for (int p = plan.count; p-- > whole;) {
            const std::size_t length = n >> plan.passes[p].done;
            inverse_passes(a + first, length, first / length, chunk / length, plan.passes[p], table, ends, c);
        }
    }
    for (int p = whole; p-- > 0;) {
        const int done = plan.passes[p].done;
        inverse_passes(a, n >> done, 0, std::size_t{1} << done, plan.passes[p], table, ends, c);
    }
}

enum class Direction { forward, inverse };

/// Writes the constants of one direction from its TwiddlePowers.
template <Direction direction>
Buffer lay_out(std::size_t n, const Modulus& modulus, const Buffer& powers, Word scale) {
    const Plan plan(n);
    Buffer table(plan.words);
    const auto put = [&](std::size_t position, std::size_t gap, Word w) {
        table[position] = w;
        table[position + gap] = twiddle_quotient(w, modulus);
    };
    // The constant of block `block` of 2^stage; odd blocks of the inverse go on as a y, negated.
    const auto power = [&](std::size_t blocks, std::size_t block) {
        const Word w = powers[blocks + block];
        return direction == Direction::inverse && block % 2 != 0 ? modulus.value() - w : w;
    };
    put(0, 1, scale);
    put(2, 1, powers[1]);
    for (int p = 0; p < plan.count; ++p) {
        const Pass& pass = plan.passes[p];
        const std::size_t blocks = std::size_t{1} << pass.done;
        for (std::size_t block = 0; block < blocks; ++block) {
            const std::size_t position = pass.offset + block * pass_constants(pass.stages);
            for (int s = 0; s < pass.stages; ++s) {
                for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                    put(position + pass_constants(s) + 2 * i, 1, power(blocks << s, (block << s) + i));
                }
            }
        }
    }
    for (std::size_t unit = 0; unit < n / unit_words; ++unit) {
        const std::size_t position = plan.last_offset + unit / set_units * set_constants;
        put(position + 2 * (unit % set_units), 1, power(n / unit_words, unit));
    }
    // After the transposition, lane l of the registers belongs to the l-th group of eight words. There the
    // inverse's sums are not negated, so nor are its products where a group ends.
    for (std::size_t row = 0; row < n / lanes; ++row) {
        const std::size_t position = plan.last_offset + row / lanes * set_constants + set_head + row % lanes;
        put(position, lanes, powers[n / lanes + row]);
        for (int s = 1; s < lane_stages; ++s) {
            for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                put(position + lanes * (pass_constants(s) + 2 * i), lanes,
                    power((n / lanes) << s, (row << s) + i));
            }
        }
    }
    return table;
}

void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse) {
    const TwiddlePowers powers(n, q, root);
    forward = lay_out<Direction::forward>(n, q, powers.forward, powers.scale);
    inverse = lay_out<Direction::inverse>(n, q, powers.inverse, powers.scale);
}

// ---- element by element

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct(plus(load(a + j), load(b + j)), q));
    }
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct_signed(minus(load(a + j), load(b + j)), q));
    }
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct_signed(minus(zero(), load(a + j)), q));
    }
}

void from_signed(Word* out, const Word* a, std::size_t n, const Modulus& modulus) {
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct_signed(load(a + j), q));
    }
}

void lift_centred(Word* out, const Word* a, std::size_t n, const Modulus& p, const Modulus& q) {
    const Vec half = broadcast(p.value() / 2);
    const Vec step = broadcast(q.value() - p.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x = load(a + j);
        store(out + j, _mm512_mask_add_epi64(x, _mm512_cmpgt_epu64_mask(x, half), x, step));
    }
}

/// Reduces any 64-bit word, for q >= 2^13. The quotient Q = high52(floor(x / 2^12) floor(2^64 / q)) lacks at
/// most 1 for each rounding, of itself, of x / 2^12 (times 2^12 / q) and of 2^64 / q (times x / 2^64): x - Q
/// q < 4q.
class WordReducer {
  public:
    static constexpr Word least_modulus = Word{1} << 13;

    explicit WordReducer(const Modulus& modulus)
        : q_(broadcast(modulus.value())),
          double_q_(broadcast(2 * modulus.value())),
          ratio_(broadcast(modulus.ratio())) {}

    [[nodiscard]] Vec reduce(Vec x) const {
        const Vec quotient = add_high(zero(), _mm512_srli_epi64(x, 12), ratio_);
        const Vec rest = minus(x, add_low(zero(), quotient, q_));
        return correct(correct(_mm512_and_si512(rest, broadcast(mask52)), double_q_), q_);
    }
    [[nodiscard]] Vec q() const { return q_; }

  private:
    Vec q_;
    Vec double_q_;
    Vec ratio_;
};

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    if (q.value() < WordReducer::least_modulus) {
        portable_kernels.reduce(out, a, n, q);
        return;
    }
    const WordReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, reducer.reduce(load(a + j)));
    }
}

/// Barrett reduction of products, q of k bits: with h = floor(a b / 2^(k - 1)), which is the high half of
/// (a 2^(52 - k)) (2 b), the quotient Q = high52(h floor(2^(51 + k) / q)) lacks less than 1 for its own
/// rounding, 1 for that of h and 1/2 for that of the ratio: a b - Q q < 2.5 q. A sum of two products lacks 1
/// + 2 + 1: < 4q.
class ProductReducer {
  public:
    explicit ProductReducer(const Modulus& modulus)
        : q_(broadcast(modulus.value())),
          double_q_(broadcast(2 * modulus.value())),
          minus_q_(broadcast((Word{1} << 52) - modulus.value())),
          // A power of two q would need 2^52 itself; one less costs no more than the rounding above.
          ratio_(broadcast(std::min(
              static_cast<Word>((uint128_t{1} << (51 + modulus.bits())) / modulus.value()), mask52))),
          shift_(_mm_cvtsi32_si128(52 - modulus.bits())) {}

    /// The operand of a product's high half, for a in [0, q).
    [[nodiscard]] Vec scale(Vec a) const { return _mm512_sll_epi64(a, shift_); }
    /// From h and the low half of the product (or sum): the rest in [0, 4q).
    [[nodiscard]] Vec rest(Vec high, Vec low) const {
        const Vec quotient = add_high(zero(), high, ratio_);
        return _mm512_and_si512(add_low(low, quotient, minus_q_), broadcast(mask52));
    }
    /// [0, 4q) -> [0, q).
    [[nodiscard]] Vec finish(Vec x) const { return correct(correct(x, double_q_), q_); }
    /// a b in [0, 2.5 q); scaled is scale(a) and b in [0, q).
    [[nodiscard]] Vec multiply_lazy(Vec a, Vec scaled, Vec b) const {
        return rest(add_high(zero(), scaled, plus(b, b)), add_low(zero(), a, b));
    }

  private:
    Vec q_;
    Vec double_q_;
    Vec minus_q_;
    Vec ratio_;
    __m128i shift_;
};

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    const ProductReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x = load(a + j);
        store(out + j, reducer.finish(reducer.multiply_lazy(x, reducer.scale(x), load(b + j))));
    }
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    const ProductReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x = load(a + j);
        const Vec product = reducer.multiply_lazy(x, reducer.scale(x), load(b + j));
        store(out + j, reducer.finish(plus(product, load(out + j))));
    }
}

void tensor(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, const Word* b0,
            const Word* b1, std::size_t n, const Modulus& q) {
    const ProductReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x0 = load(a0 + j);
        const Vec x1 = load(a1 + j);
        const Vec y0 = load(b0 + j);
        const Vec y1 = load(b1 + j);
        const Vec scaled0 = reducer.scale(x0);
        const Vec scaled1 = reducer.scale(x1);
        const Vec cross_high = add_high(add_high(zero(), scaled0, plus(y1, y1)), scaled1, plus(y0, y0));
        const Vec cross_low = add_low(add_low(zero(), x0, y1), x1, y0);
        store(out0 + j, reducer.finish(reducer.multiply_lazy(x0, scaled0, y0)));
        store(out1 + j, reducer.finish(reducer.rest(cross_high, cross_low)));
        store(out2 + j, reducer.finish(reducer.multiply_lazy(x1, scaled1, y1)));
    }
}

void tensor_square(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& q) {
    const ProductReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x0 = load(a0 + j);
        const Vec x1 = load(a1 + j);
        const Vec scaled0 = reducer.scale(x0);
        const Vec scaled1 = reducer.scale(x1);
        store(out0 + j, reducer.finish(reducer.multiply_lazy(x0, scaled0, x0)));
        // The product of a0 and 2 a1 counts as two products.
        store(out1 + j, reducer.finish(reducer.multiply_lazy(x0, scaled0, plus(x1, x1))));
        store(out2 + j, reducer.finish(reducer.multiply_lazy(x1, scaled1, x1)));
    }
}

/// Shoup's product with a 52-bit quotient: any a below 2^52 -> a w in [0, 2q).
class ScalarMultiplier {
  public:
    ScalarMultiplier(const ShoupFactor& w, const Modulus& q)
        : value_(broadcast(w.value)),
          quotient_(broadcast(w.quotient >> 12)),
          minus_q_(broadcast((Word{1} << 52) - q.value())) {}

    [[nodiscard]] Vec multiply_lazy(Vec a) const {
        const Vec estimate = add_high(zero(), a, quotient_);
        return _mm512_and_si512(add_low(add_low(zero(), a, value_), estimate, minus_q_), broadcast(mask52));
    }

  private:
    Vec value_;
    Vec quotient_;
    Vec minus_q_;
};

void multiply_scalar(Word* out, const Word* a, std::size_t n, const ShoupFactor& w, const Modulus& modulus) {
    const ScalarMultiplier multiplier(w, modulus);
    const Vec q = broadcast(modulus.value());
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, correct(multiplier.multiply_lazy(load(a + j)), q));
    }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, std::size_t n, const ShoupFactor& w,
                              const Modulus& modulus) {
    const ScalarMultiplier multiplier(w, modulus);
    const Vec q = broadcast(modulus.value());
    const Vec double_q = broadcast(2 * modulus.value());
    // floor(b floor(2^52 / q) / 2^52) is at most 1 below floor(b / q), so b is brought to [0, 2q), and a - b
    // + 2q lies in (0, 3q).
    const Vec ratio = broadcast(modulus.ratio() >> 12);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec subtrahend = load(b + j);
        const Vec multiple = add_low(zero(), add_high(zero(), subtrahend, ratio), q);
        const Vec difference = plus(minus(plus(load(a + j), double_q), subtrahend), multiple);
        store(out + j, correct(multiplier.multiply_lazy(difference), q));
    }
}

// ---- sums of products

/// Montgomery reduction with radix 2^52 of sums of products, for odd q.
class SumReducer {
  public:
    explicit SumReducer(const Modulus& modulus)
        : q_(broadcast(modulus.value())), inverse_(broadcast(inverse_mod_word(modulus.value()))) {}

    /// (high 2^52 + low) 2^-52 mod q, in (-q, bound) for high 2^52 + low < 2^52 bound.
    [[nodiscard]] Vec reduce(Vec high, Vec low) const {
        const Vec multiple = add_high(zero(), add_low(zero(), low, inverse_), q_);
        return minus(plus(high, _mm512_srli_epi64(low, 52)), multiple);
    }

  private:
    Vec q_;
    Vec inverse_;
};

/// (-q, 2^halvings q) -> [0, q), where multiples[i] = 2^i q.
template <int halvings>
inline Vec finish(Vec x, const Vec* multiples) {
    x = correct_signed(x, multiples[0]);
#pragma GCC unroll 8
    for (int i = halvings - 1; i >= 0; --i) {
        x = correct(x, multiples[i]);
    }
    return x;
}

/// Sums of `count` products where it is positive, of `runtime_count` otherwise. A product of a row below 2^50
/// and a weight below q is below 2^50 q, so that of count of them is below 2^52 q count / 4.
template <int count>
void weighted_sum_of(Word* out, const Word* const* rows, const Word* weights, std::size_t runtime_count,
                     std::size_t n, const Modulus& modulus) {
    constexpr int halvings = count == 0 ? 4 : count <= 4 ? 0 : count <= 8 ? 1 : 2;
    const std::size_t terms = count == 0 ? runtime_count : count;
    Vec scaled[count == 0 ? 64 : count];
    const Word* row[count == 0 ? 64 : count];
    for (std::size_t i = 0; i < terms; ++i) {
        scaled[i] = broadcast(weights[i]);
        row[i] = rows[i];
    }
    Vec multiples[5];
    for (int i = 0; i < 5; ++i) {
        multiples[i] = broadcast(modulus.value() << i);
    }
    const SumReducer reducer(modulus);
    // Two sums of every other term: one is a chain too long for the processor to look past. Where the weights
    // do not stay in registers, two vectors share each load of one.
    constexpr std::size_t vectors = count == 0 ? 2 : 1;
    constexpr std::size_t chains = 2;
    for (std::size_t j = 0; j < n; j += vectors * lanes) {
        Vec low[vectors][chains] = {};
        Vec high[vectors][chains] = {};
#pragma GCC unroll 16
        for (std::size_t i = 0; i < terms; ++i) {
#pragma GCC unroll 2
            for (std::size_t k = 0; k < vectors; ++k) {
                const Vec x = load(row[i] + j + k * lanes);
                low[k][i % chains] = add_low(low[k][i % chains], x, scaled[i]);
                high[k][i % chains] = add_high(high[k][i % chains], x, scaled[i]);
            }
        }
#pragma GCC unroll 2
        for (std::size_t k = 0; k < vectors; ++k) {
            const Vec sum = reducer.reduce(plus(high[k][0], high[k][1]), plus(low[k][0], low[k][1]));
            store(out + j + k * lanes, finish<halvings>(sum, multiples));
        }
    }
}

template <int count>
void dot_of(Word* out, const Word* const* a, const Word* const* b, std::size_t runtime_count, std::size_t n,
            const Modulus& modulus) {
    constexpr int max_terms = count == 0 ? 64 : count;
    const std::size_t terms = count == 0 ? runtime_count : count;
    const Word* left[max_terms];
    const Word* right[max_terms];
    std::copy_n(a, terms, left);
    std::copy_n(b, terms, right);
    const SumReducer reducer(modulus);
    const Word q_word = modulus.value();
    const Vec q = broadcast(q_word);
    // The reduction leaves a factor 2^-52: a second Montgomery product, by 2^104, takes it away.
    const Word correction = modulus.reduce(uint128_t{modulus.reduce(uint128_t{1} << 52)} << 52);
    const Vec value = broadcast(correction);
    const Vec quotient = broadcast(correction * inverse_mod_word(q_word) & mask52);
    for (std::size_t j = 0; j < n; j += lanes) {
        Vec low = zero();
        Vec high = zero();
#pragma GCC unroll 16
        for (std::size_t i = 0; i < terms; ++i) {
            const Vec x = load(left[i] + j);
            const Vec y = load(right[i] + j);
            low = add_low(low, x, y);
            high = add_high(high, x, y);
        }
        Vec sum = plus(reducer.reduce(high, low), q);  // (0, (1 + terms / 4) q)
        if constexpr (count == 0) {
            sum = correct(correct(correct(sum, broadcast(16 * q_word)), broadcast(8 * q_word)),
                          broadcast(4 * q_word));
        } else {
            static_assert(count <= 12, "the sum must stay below 4q");
        }
        const Vec multiple = add_high(zero(), add_low(zero(), sum, quotient), q);
        store(out + j, correct_signed(minus(add_high(zero(), sum, value), multiple), q));
    }
}

using WeightedSum = void (*)(Word*, const Word* const*, const Word*, std::size_t, std::size_t,
                             const Modulus&);
using Dot = void (*)(Word*, const Word* const*, const Word* const*, std::size_t, std::size_t, const Modulus&);

/// By the number of terms; entry 0 takes any number.
constexpr WeightedSum weighted_sums[] = {weighted_sum_of<0>, weighted_sum_of<1>, weighted_sum_of<2>,
                                         weighted_sum_of<3>, weighted_sum_of<4>, weighted_sum_of<5>,
                                         weighted_sum_of<6>, weighted_sum_of<7>, weighted_sum_of<8>,
                                         weighted_sum_of<9>, weighted_sum_of<10>};
constexpr Dot dots[] = {dot_of<0>, dot_of<1>, dot_of<2>, dot_of<3>, dot_of<4>,
                        dot_of<5>, dot_of<6>, dot_of<7>, dot_of<8>};

/// w 2^52 mod q for the Montgomery reduction of the sum; even moduli are left to the portable twin.
void prepare_weights(Word* weights, std::size_t count, const Modulus& q) {
    for (std::size_t i = 0; i < count && q.value() % 2 != 0; ++i) {
        weights[i] = q.reduce(uint128_t{weights[i]} << 52);
    }
}

void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q) {
    if (q.value() % 2 == 0) {
        portable_kernels.weighted_sum(out, rows, weights, count, n, q);
        return;
    }
    weighted_sums[count < std::size(weighted_sums) ? count : 0](out, rows, weights, count, n, q);
}

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q) {
    if (q.value() % 2 == 0) {
        portable_kernels.dot(out, a, b, count, n, q);
        return;
    }
    dots[count < std::size(dots) ? count : 0](out, a, b, count, n, q);
}

void round_fractions(Word* out, const Word* const* rows, const Word* high, const Word* low, std::size_t count,
                     std::size_t n) {
    const Vec half = broadcast(Word{1} << 51);
    constexpr std::size_t vectors = 2;  // share the loads of the fractions
    for (std::size_t j = 0; j < n; j += vectors * lanes) {
        Vec whole[vectors] = {zero(), zero()};
        Vec upper[vectors] = {half, half};
        Vec lower[vectors] = {zero(), zero()};
        for (std::size_t i = 0; i < count; ++i) {
            const Word* const row = rows[i] + j;
            const Vec f = broadcast(high[i]);
            const Vec rest = broadcast(low[i]);
#pragma GCC unroll 2
            for (std::size_t k = 0; k < vectors; ++k) {
                const Vec x = load(row + k * lanes);
                whole[k] = add_high(whole[k], x, f);
                upper[k] = add_low(upper[k], x, f);
                lower[k] = add_high(lower[k], x, rest);
            }
        }
#pragma GCC unroll 2
        for (std::size_t k = 0; k < vectors; ++k) {
            const Vec carry = _mm512_srli_epi64(plus(upper[k], lower[k]), 52);
            store(out + j + k * lanes, plus(whole[k], carry));
        }
    }
}

// ---- permutations

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
            portable_kernels.gather(out + j, a, index + j, lanes);
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

// ---- the sparse monomial product

/// A column of `vectors` registers: while the terms of the row pass, its sums stay in registers.
template <std::size_t vectors>
void sparse_column(Word* out, const Word* packed, const std::uint32_t* offsets, const TermGroup* groups,
                   std::size_t group_count, Word offset, bool accumulate, const WordReducer& reducer) {
    Vec total[vectors];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < vectors; ++k) {
        total[k] = broadcast(offset);
    }
    for (const TermGroup* group = groups; group != groups + group_count; ++group) {
        Vec sum[vectors];
#pragma GCC unroll 8
        for (std::size_t k = 0; k < vectors; ++k) {
            sum[k] = zero();
        }
        const std::uint32_t* term = offsets + group->begin;
        for (; term != offsets + group->middle; ++term) {
            const Word* source = packed + *term;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                sum[k] = plus(sum[k], load_unaligned(source + k * lanes));
            }
        }
        for (; term != offsets + group->end; ++term) {
            const Word* source = packed + *term;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                sum[k] = minus(sum[k], load_unaligned(source + k * lanes));
            }
        }
        if (group->shift >= 0) {
            const __m128i shift = _mm_cvtsi32_si128(group->shift);
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                total[k] = plus(total[k], _mm512_sll_epi64(sum[k], shift));
            }
        } else {
            const Vec multiplier = broadcast(group->multiplier);
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                total[k] = plus(total[k], _mm512_mullo_epi64(sum[k], multiplier));
            }
        }
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < vectors; ++k) {
        Vec reduced = reducer.reduce(total[k]);
        if (accumulate) {
            reduced = correct(plus(reduced, load(out + k * lanes)), reducer.q());
        }
        store(out + k * lanes, reduced);
    }
}

void sparse_tile(Word* out, std::size_t length, const Word* packed, const std::uint32_t* offsets,
                 const TermGroup* groups, std::size_t group_count, Word offset, bool accumulate,
                 const Modulus& q) {
    if (q.value() < WordReducer::least_modulus) {
        portable_kernels.sparse_tile(out, length, packed, offsets, groups, group_count, offset, accumulate,
                                     q);
        return;
    }
    const WordReducer reducer(q);
    std::size_t k = 0;
    for (; k + 8 * lanes <= length; k += 8 * lanes) {
        sparse_column<8>(out + k, packed + k, offsets, groups, group_count, offset, accumulate, reducer);
    }
    if (k + 4 * lanes <= length) {
        sparse_column<4>(out + k, packed + k, offsets, groups, group_count, offset, accumulate, reducer);
        k += 4 * lanes;
    }
    if (k + 2 * lanes <= length) {
        sparse_column<2>(out + k, packed + k, offsets, groups, group_count, offset, accumulate, reducer);
        k += 2 * lanes;
    }
    if (k < length) {
        sparse_column<1>(out + k, packed + k, offsets, groups, group_count, offset, accumulate, reducer);
    }
}

// ---- sampling

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
    return kept + portable_kernels.filter_below(out + kept, words + j, count - j, mask, bound);
}

void centred_binomial(Word* out, const Word* words, std::size_t n) {
    const Vec mask = broadcast((Word{1} << 21) - 1);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Vec x = load(words + j);
        store(out + j, minus(_mm512_popcnt_epi64(_mm512_and_si512(x, mask)),
                             _mm512_popcnt_epi64(_mm512_and_si512(_mm512_srli_epi64(x, 21), mask))));
    }
}

}  // namespace

}  // namespace lacuna

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace lacuna {

const Kernels avx512ifma_kernels = {
    .name = "avx512ifma",
    .supported = supported,
    .build_twiddles = build_twiddles,
    .ntt_forward = ntt_forward,
    .ntt_inverse = ntt_inverse,
    .add = add,
    .subtract = subtract,
    .negate = negate,
    .reduce = reduce,
    .from_signed = from_signed,
    .lift_centred = lift_centred,
    .multiply = multiply,
    .multiply_add = multiply_add,
    .multiply_scalar = multiply_scalar,
    .subtract_multiply_scalar = subtract_multiply_scalar,
    .dot = dot,
    .tensor = tensor,
    .tensor_square = tensor_square,
    .prepare_weights = prepare_weights,
    .weighted_sum = weighted_sum,
    .round_fractions = round_fractions,
    .gather = gather,
    .automorphism = automorphism,
    .sparse_tile = sparse_tile,
    .filter_below = filter_below,
    .centred_binomial = centred_binomial,
};

}  // namespace lacuna
