// SPDX-License-Identifier: Apache-2.0
//
// AVX2 with fused multiply-add: four residues at a time, in double precision, which multiplies 53 bits where
// the integer units of these machines multiply 32.
//
// Modular product (van der Hoeven, Lecerf, Quintin, arXiv 1407.3383, section 3; FLINT's fft_small): for
// integers a, b held in doubles let h = RN(a b) and l = a b - h, exact by one fused operation. With c =
// round(a (b / q)) or c = round(h / q), r = (h - c q) + l is an integer = a b mod q; h - c q is exact since
// it and l are integers and |h - c q| <= |r| + |l| < 2^53. How far |r| exceeds q / 2 depends on the error of
// the quotient, bounded where c is computed.
#include <algorithm>
#include <bit>
#include <iterator>

#include <immintrin.h>

#include "ntt/kernels_list.h"
#include "ntt/ntt_tables.h"
#include "ntt/twiddle_powers.h"

namespace lacuna {

namespace {

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("popcnt");
}

}  // namespace

}  // namespace lacuna

// Every function from here to the end of the region may use these instructions and is reached only after
// supported().
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,popcnt")
#endif

namespace lacuna {

namespace {

using Word = std::uint64_t;
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

struct Constants {
    explicit Constants(const Modulus& modulus)
        : q(broadcast_real(static_cast<double>(modulus.value()))),
          inverse(broadcast_real(1.0 / static_cast<double>(modulus.value()))) {}
    Real q;
    Real inverse;
};

/// Integers |x| < 2^53 -> the same mod q, |r| <= q / 2 + 1: the quotient errs by |x / q| 2^-52 besides its
/// rounding.
inline Real centre(Real x, const Constants& c) {
    return _mm256_fnmadd_pd(round(_mm256_mul_pd(x, c.inverse)), c.q, x);
}
/// Integers (-q, q) -> words in [0, q). The sign bit decides, so x must not be -0: a fused or plain addition
/// rounds an exact zero to +0, and every x here is the result of one whose operands are not both -0.
inline Vec finish(Real x, const Constants& c) {
    return to_words(_mm256_blendv_pd(x, _mm256_add_pd(x, c.q), x));
}

/// a b mod q for |a b| < 2^50 q: h, 1 / q and their product each bring a relative error of 2^-53, so the
/// quotient errs by less than 3/8 besides its rounding: |r| < 0.875 q.
inline Real multiply(Real a, Real b, const Constants& c) {
    const Real h = _mm256_mul_pd(a, b);
    const Real l = _mm256_fmsub_pd(a, b, h);
    const Real quotient = round(_mm256_mul_pd(h, c.inverse));
    return _mm256_add_pd(_mm256_fnmadd_pd(quotient, c.q, h), l);
}

/// A constant w centred in (-q/2, q/2] and w / q.
struct Twiddle {
    Real value;
    Real quotient;
};

/// y w mod q. |w / q| <= 1/2 is rounded by at most 2^-55 and y (w / q) by half a unit: for |y| <= 2^52 the
/// quotient errs by 1/8 + 1/8 besides its rounding and |r| <= 0.75 q; for |y| < 2^53 by twice that and |r| <=
/// q.
inline Real multiply(Real y, const Twiddle& w, const Constants& c) {
    const Real h = _mm256_mul_pd(y, w.value);
    const Real quotient = round(_mm256_mul_pd(y, w.quotient));
    const Real l = _mm256_fmsub_pd(y, w.value, h);
    return _mm256_add_pd(_mm256_fnmadd_pd(quotient, c.q, h), l);
}

double centred(Word w, const Modulus& q) {
    return static_cast<double>(q.centre(w));
}

/// The Twiddle of w as two words, `gap` apart.
void put_twiddle(Word* table, std::size_t gap, Word w, const Modulus& q) {
    const double value = centred(w, q);
    table[0] = std::bit_cast<Word>(value);
    table[gap] = std::bit_cast<Word>(value / static_cast<double>(q.value()));
}

// ---- transforms
//
// The array holds doubles between the first pass and the last. There are passes of two stages (one, where the
// number is odd) over blocks of the array, then one of four stages over blocks of 16 words that are held in
// four registers: two stages between registers, a transposition, two more, and back. The constants lie in the
// order in which they are read.

constexpr int block_log = 4;
constexpr std::size_t block_words = std::size_t{1} << block_log;
constexpr std::size_t chunk_words = 4096;
/// Three pairs (w, w / q) and a gap for the stages between registers, one and two pairs of vectors for the
/// others.
constexpr std::size_t block_head = 8;
constexpr std::size_t block_constants = block_head + 3 * 2 * lanes;
/// A table begins with the two pairs of the inverse's last stage: for the sums (1/n) and for the differences.
constexpr std::size_t table_head = 4;

constexpr std::size_t pass_constants(int stages) {
    return 2 * ((std::size_t{1} << stages) - 1);
}

/// One pass: `done` stages come before it, so that there are 2^done blocks; their constants begin at
/// `offset`.
struct Pass {
    int done = 0;
    int stages = 0;
    std::size_t offset = 0;
};

/// How a transform of n words is cut into passes.
struct Plan {
    explicit Plan(std::size_t n) : last_done(std::countr_zero(n) - block_log) {
        std::size_t offset = table_head;
        for (int done = 0; done < last_done; done += passes[count++].stages) {
            passes[count] = {done, (last_done - done) % 2 == 0 ? 2 : 1, offset};
            offset += pass_constants(passes[count].stages) << done;
        }
        last_offset = (offset + lanes - 1) / lanes * lanes;
        words = last_offset + (block_constants << last_done);
    }

    int count = 0;
    Pass passes[6];
    int last_done;
    std::size_t last_offset = 0;
    std::size_t words = 0;
};

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

/// x, y -> x + w y, x - w y.
[[gnu::always_inline]] inline void forward_butterfly(Real& x, Real& y, const Twiddle& w, const Constants& c) {
    const Real product = multiply(y, w, c);
    y = _mm256_sub_pd(x, product);
    x = _mm256_add_pd(x, product);
}

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

/// One or two stages.
template <int stages, bool per_lane, int columns>
[[gnu::always_inline]] inline void forward_stages(Real (*x)[1 << stages], const Word* table,
                                                  std::size_t table_step, const Constants& c) {
#pragma GCC unroll 2
    for (int stage = 0; stage < stages; ++stage) {
        const int half = 1 << (stages - 1 - stage);
#pragma GCC unroll 2
        for (int i = 0; i < (1 << stages) / 2; ++i) {
            const int block = i / half;
            const int upper = i + block * half;
#pragma GCC unroll 2
            for (int column = 0; column < columns; ++column) {
                const Word* constants = table + static_cast<std::size_t>(column) * table_step;
                forward_butterfly(x[column][upper], x[column][upper + half],
                                  load_twiddle<per_lane>(constants, (1 << stage) - 1 + block), c);
            }
        }
    }
}

/// The same backwards, from |x| <= 1.5 q to the same. Of the results only the sum of all four can be larger,
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

/// How a forward pass reads the array: as words (the first one), as doubles, or as doubles to be reduced.
enum class Input { words, reals, unreduced };

template <Input input>
inline Real read(const Word* p, const Constants& c) {
    if constexpr (input == Input::words) {
        return _mm256_sub_pd(to_real(load(p)), _mm256_add_pd(c.q, c.q));  // [0, 4q) -> [-2q, 2q)
    } else if constexpr (input == Input::reals) {
        return load_real(p);
    } else {
        return centre(load_real(p), c);
    }
}

template <int stages, Input input>
void forward_pass(Word* a, const Word* source, std::size_t stride, const Word* table,
                  const Constants& constants) {
    constexpr std::size_t rows = std::size_t{1} << stages;
    const Constants c = constants;
    for (std::size_t j = 0; j < stride; j += 2 * lanes) {
        Real x[2][rows];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows; ++i) {
            x[0][i] = read<input>(source + i * stride + j, c);
            x[1][i] = read<input>(source + i * stride + j + lanes, c);
        }
        forward_stages<stages, false, 2>(x, table, 0, c);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows; ++i) {
            store_real(a + i * stride + j, x[0][i]);
            store_real(a + i * stride + j + lanes, x[1][i]);
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

/// From any range that ForwardRange allows to [0, q), `columns` blocks of 16 words at a time.
template <Input input, std::size_t columns>
void forward_span(Word* a, std::size_t blocks, const Word* table, const Constants& c) {
    for (std::size_t block = 0; block < blocks; block += columns) {
        Real x[columns][lanes];
#pragma GCC unroll 2
        for (std::size_t column = 0; column < columns; ++column) {
#pragma GCC unroll 4
            for (std::size_t i = 0; i < lanes; ++i) {
                x[column][i] = read<input>(a + (block + column) * block_words + lanes * i, c);
            }
        }
        forward_stages<2, false, columns>(x, table + block * block_constants, block_constants, c);
        store_blocks<columns>(a + block * block_words, x);
    }
    for (std::size_t block = 0; block < blocks; block += columns) {
        Real x[columns][lanes];
        load_blocks<columns>(x, a + block * block_words);
#pragma GCC unroll 2
        for (std::size_t column = 0; column < columns; ++column) {
            transpose(x[column]);
        }
        forward_stages<2, true, columns>(x, table + block * block_constants + block_head, block_constants, c);
        store_blocks<columns>(a + block * block_words, x);
    }
    for (std::size_t block = 0; block < blocks; ++block) {
        Real x[1][lanes];
        load_blocks<1>(x, a + block * block_words);
        transpose(x[0]);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < lanes; ++i) {
            store(a + block * block_words + lanes * i, finish(centre(x[0][i], c), c));
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

/// Blocks in one span: 4 kilobytes.
constexpr std::size_t span_blocks = 32;

/// The bound on |x| / q after `stages` forward stages from `bound`: a product is at most 0.75 q, or q from 4q
/// on.
constexpr double forward_growth(double bound, int stages) {
    for (int i = 0; i < stages; ++i) {
        bound += bound <= 4 ? 0.75 : 1;
    }
    return bound;
}

/// Decides whether a forward pass has to reduce its input so that everything stays below 8q <= 2^53.
class ForwardRange {
  public:
    Input next(int stages) {
        Input input = Input::reals;
        if (bound_ == 0) {
            input = Input::words;
            bound_ = 2;
        } else if (forward_growth(bound_, stages) >= 8) {
            input = Input::unreduced;
            bound_ = 0.75;  // q / 2 + 1
        }
        bound_ = forward_growth(bound_, stages);
        return input;
    }

  private:
    double bound_ = 0;
};

template <Input input>
void forward_passes(Word* a, const Word* source, std::size_t length, std::size_t first_block,
                    std::size_t blocks, const Pass& pass, const Word* table, const Constants& c) {
    const std::size_t step = pass_constants(pass.stages);
    table += pass.offset + first_block * step;
    for (std::size_t block = 0; block < blocks; ++block, a += length, source += length, table += step) {
        if (pass.stages == 1) {
            forward_pass<1, input>(a, source, length / 2, table, c);
        } else {
            forward_pass<2, input>(a, source, length / 4, table, c);
        }
    }
}

void forward_passes(Word* a, const Word* source, std::size_t length, std::size_t first_block,
                    std::size_t blocks, const Pass& pass, Input input, const Word* table,
                    const Constants& c) {
    switch (input) {
        case Input::words:
            forward_passes<Input::words>(a, source, length, first_block, blocks, pass, table, c);
            break;
        case Input::reals:
            forward_passes<Input::reals>(a, source, length, first_block, blocks, pass, table, c);
            break;
        default:
            forward_passes<Input::unreduced>(a, source, length, first_block, blocks, pass, table, c);
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

template <Input input>
void forward_last(Word* a, std::size_t blocks, const Word* table, const Constants& constants) {
    const Constants c = constants;
    if (blocks == 1) {
        forward_span<input, 1>(a, 1, table, c);
        return;
    }
    const std::size_t step = std::min(blocks, span_blocks);
    for (std::size_t block = 0; block < blocks; block += step) {
        forward_span<input, 2>(a + block * block_words, step, table + block * block_constants, c);
    }
}

void inverse_last(Word* a, std::size_t blocks, const Word* table, const Constants& constants) {
    const Constants c = constants;
    const std::size_t step = std::min(blocks, span_blocks);
    for (std::size_t block = 0; block < blocks; block += step) {
        inverse_span<false, 2>(a + block * block_words, step, table + block * block_constants, c, nullptr);
    }
}

void ntt_forward(const NttTables& tables, Word* a, const Word* source) {
    const std::size_t n = tables.size();
    const Plan plan(n);
    const Constants c(tables.modulus());
    const Word* table = tables.forward_twiddles().data();
    ForwardRange range;
    Input inputs[std::size(plan.passes)];
    for (int p = 0; p < plan.count; ++p) {
        inputs[p] = range.next(plan.passes[p].stages);
    }
    const Input last_input = range.next(block_log);

    int p = 0;
    for (; p < plan.count && n >> plan.passes[p].done > chunk_words; ++p) {
        const int done = plan.passes[p].done;
        forward_passes(a, source, n >> done, 0, std::size_t{1} << done, plan.passes[p], inputs[p], table, c);
        source = a;
    }
    if (source != a) {  // all of it fits the first-level cache
        std::copy_n(source, n, a);
    }
    const std::size_t chunk = n >> (p < plan.count ? plan.passes[p].done : plan.last_done);
    for (std::size_t first = 0; first < n; first += chunk) {
        for (int late = p; late < plan.count; ++late) {
            const std::size_t length = n >> plan.passes[late].done;
            forward_passes(a + first, a + first, length, first / length, chunk / length, plan.passes[late],
                           inputs[late], table, c);
        }
        const Word* constants = table + plan.last_offset + first / block_words * block_constants;
        switch (last_input) {
            case Input::words:
                forward_last<Input::words>(a + first, chunk / block_words, constants, c);
                break;
            case Input::reals:
                forward_last<Input::reals>(a + first, chunk / block_words, constants, c);
                break;
            default:
                forward_last<Input::unreduced>(a + first, chunk / block_words, constants, c);
        }
    }
}

void ntt_inverse(const NttTables& tables, Word* a, Word factor) {
    const std::size_t n = tables.size();
    const Modulus& modulus = tables.modulus();
    const Plan plan(n);
    const Constants c(modulus);
    const Word* table = tables.inverse_twiddles().data();
    Word ends[table_head];
    std::copy_n(table, table_head, ends);
    if (factor != 1) {
        for (std::size_t i = 0; i < table_head; i += 2) {
            const auto w = static_cast<std::int64_t>(std::bit_cast<double>(ends[i]));
            put_twiddle(ends + i, 1, modulus.multiply(modulus.reduce_signed(w), factor), modulus);
        }
    }
    if (plan.count == 0) {
        inverse_span<true, 1>(a, 1, table + plan.last_offset, c, ends);
        return;
    }
    int whole = 0;  // passes over the whole array
    while (whole < plan.count && n >> plan.passes[whole].done > chunk_words) {
        ++whole;
    }
    const std::size_t chunk = n >> (whole < plan.count ? plan.passes[whole].done : plan.last_done);
    for (std::size_t first = 0; first < n; first += chunk) {
        const Word* constants = table + plan.last_offset + first / block_words * block_constants;
        inverse_last(a + first, chunk / block_words, constants, c);
        for (int late = plan.count; late-- > whole;) {
            const std::size_t length = n >> plan.passes[late].done;
            inverse_passes(a + first, length, first / length, chunk / length, plan.passes[late], table, ends,
                           c);
        }
    }
    for (int p = whole; p-- > 0;) {
        const int done = plan.passes[p].done;
        inverse_passes(a, n >> done, 0, std::size_t{1} << done, plan.passes[p], table, ends, c);
    }
}

/// Writes the constants of one direction from its TwiddlePowers.
Buffer lay_out(std::size_t n, const Modulus& q, const Buffer& powers, Word scale) {
    const Plan plan(n);
    Buffer table(plan.words);
    const auto put = [&](std::size_t position, std::size_t gap, Word w) {
        put_twiddle(table.data() + position, gap, w, q);
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
    put(2, 1, powers[1]);
    for (int p = 0; p < plan.count; ++p) {
        const Pass& pass = plan.passes[p];
        for (std::size_t block = 0; block < std::size_t{1} << pass.done; ++block) {
            put_pairs(pass.offset + block * pass_constants(pass.stages), pass.stages, pass.done, block);
        }
    }
    for (std::size_t block = 0; block < n / block_words; ++block) {
        const std::size_t position = plan.last_offset + block * block_constants;
        put_pairs(position, 2, plan.last_done, block);
        // After the transposition, lane l of every register belongs to the l-th group of four words.
        for (int s = 0; s < 2; ++s) {
            for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    put(position + block_head + 2 * lanes * ((std::size_t{1} << s) - 1 + i) + lane, lanes,
                        powers[((n / lanes + block * lanes + lane) << s) + i]);
                }
            }
        }
    }
    return table;
}

void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse) {
    const TwiddlePowers powers(n, q, root);
    forward = lay_out(n, q, powers.forward, powers.scale);
    inverse = lay_out(n, q, powers.inverse, powers.scale);
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
        store(out + j, choose_by_sign(minus(half, x), plus(x, step), x));
    }
}

/// Reduces any 64-bit word: high 2^32 + low, where the product of high by 2^32 mod q is at most 0.75 q.
class WordReducer {
  public:
    explicit WordReducer(const Modulus& modulus) : constants_(modulus) {
        const double value = centred(modulus.reduce(Word{1} << 32), modulus);
        power_ = {broadcast_real(value), broadcast_real(value / static_cast<double>(modulus.value()))};
    }
    [[nodiscard]] Vec reduce(Vec x) const {
        const Real high = to_real(_mm256_srli_epi64(x, 32));
        const Real low = to_real(_mm256_and_si256(x, broadcast(0xffffffff)));
        return finish(centre(_mm256_add_pd(multiply(high, power_, constants_), low), constants_), constants_);
    }

  private:
    Constants constants_;
    Twiddle power_;
};

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    const WordReducer reducer(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, reducer.reduce(load(a + j)));
    }
}

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    const Constants c(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, finish(multiply(to_real(load(a + j)), to_real(load(b + j)), c), c));
    }
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    const Constants c(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Real product = multiply(to_real(load(a + j)), to_real(load(b + j)), c);
        store(out + j, finish(centre(_mm256_add_pd(product, to_real(load(out + j))), c), c));
    }
}

Twiddle scalar(Word w, const Modulus& q) {
    const double value = centred(w, q);
    return {broadcast_real(value), broadcast_real(value / static_cast<double>(q.value()))};
}

void multiply_scalar(Word* out, const Word* a, std::size_t n, const ShoupFactor& w, const Modulus& q) {
    const Constants c(q);
    const Twiddle factor = scalar(w.value, q);
    for (std::size_t j = 0; j < n; j += lanes) {
        store(out + j, finish(multiply(to_real(load(a + j)), factor, c), c));
    }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, std::size_t n, const ShoupFactor& w,
                              const Modulus& q) {
    const Constants c(q);
    const Twiddle factor = scalar(w.value, q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Real difference = _mm256_sub_pd(to_real(load(a + j)), centre(to_real(load(b + j)), c));
        store(out + j, finish(multiply(difference, factor, c), c));
    }
}

void tensor(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, const Word* b0,
            const Word* b1, std::size_t n, const Modulus& q) {
    const Constants c(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Real x0 = to_real(load(a0 + j));
        const Real x1 = to_real(load(a1 + j));
        const Real y0 = to_real(load(b0 + j));
        const Real y1 = to_real(load(b1 + j));
        store(out0 + j, finish(multiply(x0, y0, c), c));
        store(out1 + j, finish(centre(_mm256_add_pd(multiply(x0, y1, c), multiply(x1, y0, c)), c), c));
        store(out2 + j, finish(multiply(x1, y1, c), c));
    }
}

void tensor_square(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& q) {
    const Constants c(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        const Real x0 = to_real(load(a0 + j));
        const Real x1 = to_real(load(a1 + j));
        const Real cross = multiply(x0, x1, c);
        store(out0 + j, finish(multiply(x0, x0, c), c));
        store(out1 + j, finish(centre(_mm256_add_pd(cross, cross), c), c));
        store(out2 + j, finish(multiply(x1, x1, c), c));
    }
}

// ---- sums of products

/// Terms, each at most 0.875 q, that are summed before the sum is reduced: it stays below 8q.
constexpr std::size_t lazy_terms = 8;
constexpr std::size_t max_terms = 64;

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q) {
    const Constants c(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        Real sum = _mm256_setzero_pd();
        for (std::size_t i = 0; i < count; ++i) {
            sum = _mm256_add_pd(sum, multiply(to_real(load(a[i] + j)), to_real(load(b[i] + j)), c));
            if (i % lazy_terms == lazy_terms - 1) {
                sum = centre(sum, c);
            }
        }
        store(out + j, finish(centre(sum, c), c));
    }
}

/// Weights are read as they are.
void prepare_weights(Word*, std::size_t, const Modulus&) {}

void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q) {
    const Constants c(q);
    Twiddle factors[max_terms];
    for (std::size_t i = 0; i < count; ++i) {
        factors[i] = scalar(weights[i], q);
    }
    for (std::size_t j = 0; j < n; j += lanes) {
        Real sum = _mm256_setzero_pd();
        for (std::size_t i = 0; i < count; ++i) {
            sum = _mm256_add_pd(sum, multiply(to_real(load(rows[i] + j)), factors[i], c));
            if (i % lazy_terms == lazy_terms - 1) {
                sum = centre(sum, c);
            }
        }
        store(out + j, finish(centre(sum, c), c));
    }
}

// ---- the sparse monomial product

/// The low 64 bits of a b from 32-bit products.
inline Vec multiply_low(Vec a, Vec b) {
    const Vec cross =
        plus(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b), _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));
    return plus(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
}

/// A column of `vectors` registers: while the terms of a group pass, its sums stay in registers.
template <std::size_t vectors>
void sparse_column(Word* out, const Word* packed, const std::uint32_t* offsets, const TermGroup* groups,
                   std::size_t group_count, Word offset, bool accumulate, const WordReducer& reducer, Vec q) {
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
                total[k] = plus(total[k], _mm256_sll_epi64(sum[k], shift));
            }
        } else {
            const Vec multiplier = broadcast(group->multiplier);
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                total[k] = plus(total[k], multiply_low(sum[k], multiplier));
            }
        }
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < vectors; ++k) {
        Vec reduced = reducer.reduce(total[k]);
        if (accumulate) {
            reduced = correct(plus(reduced, load(out + k * lanes)), q);
        }
        store(out + k * lanes, reduced);
    }
}

void sparse_tile(Word* out, std::size_t length, const Word* packed, const std::uint32_t* offsets,
                 const TermGroup* groups, std::size_t group_count, Word offset, bool accumulate,
                 const Modulus& modulus) {
    const WordReducer reducer(modulus);
    const Vec q = broadcast(modulus.value());
    std::size_t k = 0;
    for (; k + 8 * lanes <= length; k += 8 * lanes) {
        sparse_column<8>(out + k, packed + k, offsets, groups, group_count, offset, accumulate, reducer, q);
    }
    for (; k < length; k += 2 * lanes) {
        sparse_column<2>(out + k, packed + k, offsets, groups, group_count, offset, accumulate, reducer, q);
    }
}

// ---- sampling

void centred_binomial(Word* out, const Word* words, std::size_t n) {
    constexpr Word mask = (Word{1} << 21) - 1;
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = static_cast<Word>(std::popcount(words[j] & mask)) -
                 static_cast<Word>(std::popcount((words[j] >> 21) & mask));
    }
}

// What gains nothing from vectors of four, or needs products of 104 bits, is left to the portable twin.

void round_fractions(Word* out, const Word* const* rows, const Word* high, const Word* low, std::size_t count,
                     std::size_t n) {
    portable_kernels.round_fractions(out, rows, high, low, count, n);
}

void gather(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) {
    portable_kernels.gather(out, a, index, n);
}

void automorphism(Word* out, const Word* a, std::size_t n, std::uint32_t h, const Modulus& q) {
    portable_kernels.automorphism(out, a, n, h, q);
}

std::size_t filter_below(Word* out, const Word* words, std::size_t count, Word mask, Word bound) {
    return portable_kernels.filter_below(out, words, count, mask, bound);
}

}  // namespace

}  // namespace lacuna

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace lacuna {

const Kernels avx2_kernels = {
    .name = "avx2",
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
