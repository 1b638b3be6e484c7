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
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "ntt/kernels_list.h"
#include "ntt/ntt_tables.h"

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
// -----------------------------------------------------------------------------------------------------
//
// Products by a constant w are Montgomery products with radix 2^52 against W = w 2^52 mod q and V = W q^-1
// mod 2^52: y W and low52(y V) q agree in their low 52 bits, so y w = high52(y W) - high52(low52(y V) q) mod
// q exactly, in
// (-q, q) for y < 2^52. Unlike Shoup's product it needs no mask: the difference is a true signed 64-bit
// integer.
//
// A transform makes passes of up to three stages over blocks of the array, then one pass of six stages over
// blocks of 64 words that are held in eight registers: three stages between registers, a transposition, three
// more stages between registers, and back. Blocks of at most chunk_words, which fit the first-level cache, go
// through all the late passes before the next one starts. The constants lie in the order in which the passes
// read them.

constexpr int vector_log = 3;  // stages after the transposition
constexpr std::size_t chunk_words = 4096;

/// One pass: `done` stages come before it, so that there are 2^done blocks; their constants begin at
/// `offset`.
struct Pass {
    int done = 0;
    int stages = 0;
    std::size_t offset = 0;
};

/// Words of constants that a block of a pass of s stages between registers needs: 2^s - 1 pairs (W, V).
constexpr std::size_t pass_constants(int stages) {
    return 2 * ((std::size_t{1} << stages) - 1);
}
/// In the last pass: at most 7 pairs, a gap of two words, and 1 + 2 + 4 pairs of vectors.
constexpr std::size_t block_head = 16;
constexpr std::size_t block_constants = block_head + 14 * lanes;
/// A table begins with the pair for 1/n, which the inverse transform needs, and a gap.
constexpr std::size_t table_head = lanes;

/// How a transform of n words is cut into passes.
struct Plan {
    explicit Plan(std::size_t n) {
        const int log_n = std::countr_zero(n);
        last.stages = std::min(log_n - vector_log, 3);
        last.done = log_n - vector_log - last.stages;
        std::size_t offset = table_head;
        for (int done = 0; done < last.done; done += passes[count++].stages) {
            const int left = last.done - done;
            passes[count] = {done, left % 3 == 0 ? 3 : left == 1 ? 1 : 2, offset};
            offset += pass_constants(passes[count].stages) << done;
        }
        last.offset = (offset + lanes - 1) / lanes * lanes;
        words = last.offset + (block_constants << last.done);
    }

    int count = 0;
    Pass passes[4];
    Pass last;  ///< between registers; the stages after the transposition come on top
    std::size_t words = 0;
};

struct Constants {
    explicit Constants(const Modulus& modulus)
        : q(broadcast(modulus.value())), double_q(broadcast(2 * modulus.value())) {}
    Vec q;
    Vec double_q;
};

/// W and V of one product, the same or different for each lane.
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

/// Transposes the 8 x 8 matrix whose rows are x[0 ... 7]: bits of the lane number and of the register number
/// swap.
inline void transpose(Vec (&x)[8]) {
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

/// x, y in [0, 4q) -> x + w y, x - w y in (0, 4q).
inline void forward_butterfly(Vec& x, Vec& y, const Twiddle& w, const Constants& c) {
    const Vec reduced = correct(x, c.double_q);
    const Vec multiple = add_high(zero(), add_low(zero(), y, w.quotient), c.q);
    const Vec product = minus(add_high(c.q, y, w.value), multiple);  // w y + q, in (0, 2q)
    x = plus(reduced, product);
    y = minus(plus(reduced, c.double_q), product);
}

/// x, y in [0, 2q) -> x + y, w (x - y) in [0, 2q).
inline void inverse_butterfly(Vec& x, Vec& y, const Twiddle& w, const Constants& c) {
    const Vec difference = plus(x, minus(c.double_q, y));
    const Vec multiple = add_high(zero(), add_low(zero(), difference, w.quotient), c.q);
    x = correct(plus(x, y), c.double_q);
    y = minus(add_high(c.q, difference, w.value), multiple);
}

/// The last stage of all: x, y in [0, 2q) -> scale (x + y), w (x - y) in [0, q).
inline void final_inverse_butterfly(Vec& x, Vec& y, const Twiddle& w, const Twiddle& scale,
                                    const Constants& c) {
    const Vec sum = plus(x, y);
    const Vec difference = plus(x, minus(c.double_q, y));
    const Vec sum_multiple = add_high(zero(), add_low(zero(), sum, scale.quotient), c.q);
    const Vec multiple = add_high(zero(), add_low(zero(), difference, w.quotient), c.q);
    x = correct_signed(minus(add_high(zero(), sum, scale.value), sum_multiple), c.q);
    y = correct_signed(minus(add_high(zero(), difference, w.value), multiple), c.q);
}

/// `stages` stages between the 2^stages registers x; pair 2^s - 1 + i of the table belongs to block i of
/// stage s.
template <int stages, bool per_lane>
inline void forward_stages(Vec* x, const Word* table, const Constants& c) {
#pragma GCC unroll 8
    for (int stage = 0; stage < stages; ++stage) {
        const int half_log = stages - 1 - stage;
#pragma GCC unroll 8
        for (int i = 0; i < (1 << stages) / 2; ++i) {
            const int block = i >> half_log;
            const int upper = i + (block << half_log);
            forward_butterfly(x[upper], x[upper + (1 << half_log)],
                              load_twiddle<per_lane>(table, (1 << stage) - 1 + block), c);
        }
    }
}

/// The same backwards; where `scale` is not null, this is the end of the transform and stage 0 scales by its
/// pair.
template <int stages, bool per_lane, bool final = false>
inline void inverse_stages(Vec* x, const Word* table, const Constants& c, const Word* scale = nullptr) {
#pragma GCC unroll 8
    for (int stage = stages - 1; stage >= 0; --stage) {
        const int half_log = stages - 1 - stage;
#pragma GCC unroll 8
        for (int i = 0; i < (1 << stages) / 2; ++i) {
            const int block = i >> half_log;
            const int upper = i + (block << half_log);
            const Twiddle w = load_twiddle<per_lane>(table, (1 << stage) - 1 + block);
            if (final && stage == 0) {
                final_inverse_butterfly(x[upper], x[upper + (1 << half_log)], w,
                                        load_twiddle<false>(scale, 0), c);
            } else {
                inverse_butterfly(x[upper], x[upper + (1 << half_log)], w, c);
            }
        }
    }
}

template <int stages>
void forward_pass(Word* a, std::size_t stride, const Word* table, const Constants& c) {
    constexpr std::size_t radix = std::size_t{1} << stages;
    for (std::size_t j = 0; j < stride; j += lanes) {
        Vec x[radix];
#pragma GCC unroll 8
        for (std::size_t i = 0; i < radix; ++i) {
            x[i] = load(a + i * stride + j);
        }
        forward_stages<stages, false>(x, table, c);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < radix; ++i) {
            store(a + i * stride + j, x[i]);
        }
    }
}

template <int stages, bool final>
void inverse_pass(Word* a, std::size_t stride, const Word* table, const Constants& c, const Word* scale) {
    constexpr std::size_t radix = std::size_t{1} << stages;
    for (std::size_t j = 0; j < stride; j += lanes) {
        Vec x[radix];
#pragma GCC unroll 8
        for (std::size_t i = 0; i < radix; ++i) {
            x[i] = load(a + i * stride + j);
        }
        inverse_stages<stages, false, final>(x, table, c, scale);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < radix; ++i) {
            store(a + i * stride + j, x[i]);
        }
    }
}

/// The last stages, on 2^(3 + stages) words. Fewer than eight vectors are filled up with zeros.
template <int stages>
void forward_block(Word* a, const Word* table, const Constants& c) {
    constexpr std::size_t vectors = std::size_t{1} << stages;
    Vec x[lanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
        x[i] = i < vectors ? load(a + lanes * i) : zero();
    }
    forward_stages<stages, false>(x, table, c);
    transpose(x);
    forward_stages<vector_log, true>(x, table + block_head, c);
    transpose(x);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) {
        store(a + lanes * i, correct(correct(x[i], c.double_q), c.q));
    }
}

template <int stages, bool final>
void inverse_block(Word* a, const Word* table, const Constants& c, const Word* scale) {
    constexpr std::size_t vectors = std::size_t{1} << stages;
    Vec x[lanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
        x[i] = i < vectors ? load(a + lanes * i) : zero();
    }
    transpose(x);
    inverse_stages<vector_log, true>(x, table + block_head, c);
    transpose(x);
    inverse_stages<stages, false, final>(x, table, c, scale);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) {
        store(a + lanes * i, x[i]);
    }
}

void forward_passes(Word* a, std::size_t length, std::size_t first_block, std::size_t blocks,
                    const Pass& pass, const Word* table, const Constants& c) {
    const std::size_t stride = length >> pass.stages;
    const std::size_t step = pass_constants(pass.stages);
    table += pass.offset + first_block * step;
    for (std::size_t block = 0; block < blocks; ++block, a += length, table += step) {
        switch (pass.stages) {
            case 1:
                forward_pass<1>(a, stride, table, c);
                break;
            case 2:
                forward_pass<2>(a, stride, table, c);
                break;
            default:
                forward_pass<3>(a, stride, table, c);
        }
    }
}

template <bool final>
void inverse_passes(Word* a, std::size_t length, std::size_t first_block, std::size_t blocks,
                    const Pass& pass, const Word* table, const Constants& c) {
    const Word* scale = table;
    const std::size_t stride = length >> pass.stages;
    const std::size_t step = pass_constants(pass.stages);
    table += pass.offset + first_block * step;
    for (std::size_t block = 0; block < blocks; ++block, a += length, table += step) {
        switch (pass.stages) {
            case 1:
                inverse_pass<1, final>(a, stride, table, c, scale);
                break;
            case 2:
                inverse_pass<2, final>(a, stride, table, c, scale);
                break;
            default:
                inverse_pass<3, final>(a, stride, table, c, scale);
        }
    }
}

void ntt_forward(const NttTables& tables, Word* a) {
    const std::size_t n = tables.size();
    const Plan plan(n);
    const Constants c(tables.modulus());
    const Word* table = tables.forward_twiddles().data();
    if (plan.last.stages < 3) {
        plan.last.stages == 1 ? forward_block<1>(a, table + plan.last.offset, c)
                              : forward_block<2>(a, table + plan.last.offset, c);
        return;
    }
    int p = 0;
    for (; p < plan.count && n >> plan.passes[p].done > chunk_words; ++p) {
        const int done = plan.passes[p].done;
        forward_passes(a, n >> done, 0, std::size_t{1} << done, plan.passes[p], table, c);
    }
    const int chunk_done = p < plan.count ? plan.passes[p].done : plan.last.done;
    const std::size_t chunk = n >> chunk_done;
    for (std::size_t first = 0; first < n; first += chunk) {
        for (int late = p; late < plan.count; ++late) {
            const std::size_t length = n >> plan.passes[late].done;
            forward_passes(a + first, length, first / length, chunk / length, plan.passes[late], table, c);
        }
        const std::size_t length = n >> plan.last.done;
        const Word* constants = table + plan.last.offset + first / length * block_constants;
        for (std::size_t j = 0; j < chunk; j += length, constants += block_constants) {
            forward_block<3>(a + first + j, constants, c);
        }
    }
}

void ntt_inverse(const NttTables& tables, Word* a) {
    const std::size_t n = tables.size();
    const Plan plan(n);
    const Constants c(tables.modulus());
    const Word* table = tables.inverse_twiddles().data();
    if (plan.count == 0) {
        const Word* constants = table + plan.last.offset;
        switch (plan.last.stages) {
            case 1:
                inverse_block<1, true>(a, constants, c, table);
                break;
            case 2:
                inverse_block<2, true>(a, constants, c, table);
                break;
            default:
                inverse_block<3, true>(a, constants, c, table);
        }
        return;
    }
    int whole = 1;  // passes over the whole array; at least the first, which scales
    while (whole < plan.count && n >> plan.passes[whole].done > chunk_words) {
        ++whole;
    }
    const std::size_t chunk = n >> (whole < plan.count ? plan.passes[whole].done : plan.last.done);
    for (std::size_t first = 0; first < n; first += chunk) {
        const std::size_t block = n >> plan.last.done;
        const Word* constants = table + plan.last.offset + first / block * block_constants;
        for (std::size_t j = 0; j < chunk; j += block, constants += block_constants) {
            inverse_block<3, false>(a + first + j, constants, c, nullptr);
        }
        for (int late = plan.count; late-- > whole;) {
            const std::size_t length = n >> plan.passes[late].done;
            inverse_passes<false>(a + first, length, first / length, chunk / length, plan.passes[late], table,
                                  c);
        }
    }
    for (int p = whole; p-- > 1;) {
        const int done = plan.passes[p].done;
        inverse_passes<false>(a, n >> done, 0, std::size_t{1} << done, plan.passes[p], table, c);
    }
    inverse_passes<true>(a, n, 0, 1, plan.passes[0], table, c);
}

/// Writes the constants of one direction; powers[i] is the twiddle of block i - 2^s of stage s, where 2^s is
/// the highest power of two in i.
Buffer lay_out(std::size_t n, const Modulus& modulus, const Buffer& powers, Word scale) {
    const Plan plan(n);
    const Word q = modulus.value();
    const Word inverse = inverse_mod_word(q);
    Buffer table(plan.words);
    const auto put = [&](std::size_t position, std::size_t gap, Word w) {
        const Word value = modulus.reduce(uint128_t{w} << 52);
        table[position] = value;
        table[position + gap] = value * inverse & mask52;
    };
    const auto put_pairs = [&](std::size_t position, int stages, int done, std::size_t block) {
        for (int s = 0; s < stages; ++s) {
            for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                put(position + 2 * ((std::size_t{1} << s) - 1 + i), 1,
                    powers[(((std::size_t{1} << done) + block) << s) + i]);
            }
        }
    };
    put(0, 1, scale);
    for (int p = 0; p < plan.count; ++p) {
        const Pass& pass = plan.passes[p];
        for (std::size_t block = 0; block < std::size_t{1} << pass.done; ++block) {
            put_pairs(pass.offset + block * pass_constants(pass.stages), pass.stages, pass.done, block);
        }
    }
    const std::size_t vectors = std::size_t{1} << plan.last.stages;
    for (std::size_t block = 0; block < std::size_t{1} << plan.last.done; ++block) {
        const std::size_t position = plan.last.offset + block * block_constants;
        put_pairs(position, plan.last.stages, plan.last.done, block);
        // After the transposition, lane l of every register belongs to the l-th group of eight words.
        for (int s = 0; s < vector_log; ++s) {
            for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                for (std::size_t lane = 0; lane < vectors; ++lane) {
                    put(position + block_head + 2 * lanes * ((std::size_t{1} << s) - 1 + i) + lane, lanes,
                        powers[((n / lanes + block * vectors + lane) << s) + i]);
                }
            }
        }
    }
    return table;
}

void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse) {
    const int log_n = std::countr_zero(n);
    const Word inverse_root = q.inverse(root);
    const Word scale = q.inverse(q.reduce(Word{n}));
    Buffer powers(n);
    Buffer inverse_powers(n);
    Word power = 1;
    Word inverse_power = 1;
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t position = reverse_bits(static_cast<std::uint32_t>(i), log_n);
        powers[position] = power;
        inverse_powers[position] = position == 1 ? q.multiply(inverse_power, scale) : inverse_power;
        power = q.multiply(power, root);
        inverse_power = q.multiply(inverse_power, inverse_root);
    }
    forward = lay_out(n, q, powers, scale);
    inverse = lay_out(n, q, inverse_powers, scale);
}

// ---- element by element
// ---------------------------------------------------------------------------------------------

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
// -----------------------------------------------------------------------------------------------

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
        scaled[i] = broadcast(modulus.reduce(uint128_t{weights[i]} << 52));
        row[i] = rows[i];
    }
    Vec multiples[5];
    for (int i = 0; i < 5; ++i) {
        multiples[i] = broadcast(modulus.value() << i);
    }
    const SumReducer reducer(modulus);
    for (std::size_t j = 0; j < n; j += lanes) {
        Vec low = zero();
        Vec high = zero();
#pragma GCC unroll 16
        for (std::size_t i = 0; i < terms; ++i) {
            const Vec x = load(row[i] + j);
            low = add_low(low, x, scaled[i]);
            high = add_high(high, x, scaled[i]);
        }
        store(out + j, finish<halvings>(reducer.reduce(high, low), multiples));
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
    for (std::size_t j = 0; j < n; j += lanes) {
        Vec whole = zero();
        Vec part = half;
        for (std::size_t i = 0; i < count; ++i) {
            const Vec x = load(rows[i] + j);
            const Vec f = broadcast(high[i]);
            whole = add_high(whole, x, f);
            part = add_high(add_low(part, x, f), x, broadcast(low[i]));
        }
        store(out + j, plus(whole, _mm512_srli_epi64(part, 52)));
    }
}

// ---- permutations
// ---------------------------------------------------------------------------------------------------

void gather(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) {
    portable_kernels.gather(out, a, index, n);
}

void gather_signed(Word* out, const Word* a, const std::uint32_t* index, std::size_t n, const Modulus& q) {
    portable_kernels.gather_signed(out, a, index, n, q);
}

// ---- the sparse monomial product
// ------------------------------------------------------------------------------------

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
// -------------------------------------------------------------------------------------------------------

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
    .multiply = multiply,
    .multiply_add = multiply_add,
    .multiply_scalar = multiply_scalar,
    .subtract_multiply_scalar = subtract_multiply_scalar,
    .dot = dot,
    .tensor = tensor,
    .tensor_square = tensor_square,
    .weighted_sum = weighted_sum,
    .round_fractions = round_fractions,
    .gather = gather,
    .gather_signed = gather_signed,
    .sparse_tile = sparse_tile,
    .filter_below = filter_below,
    .centred_binomial = centred_binomial,
};

}  // namespace lacuna
