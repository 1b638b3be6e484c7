// SPDX-License-Identifier: Apache-2.0
//
// The plain twin of every vector kernel, and the only kernel of machines without one: 64-bit words and
// 128-bit products, no special instructions.
#include <algorithm>
#include <bit>

#include "ntt/kernels_list.h"
#include "ntt/ntt_tables.h"
#include "ntt/twiddle_powers.h"

namespace lacuna {

namespace {

using Word = std::uint64_t;

// ---- transforms

/// Twiddle i of a table in its bit-reversed order: value and 64-bit Shoup quotient side by side.
void store_twiddle(Buffer& table, std::size_t i, Word value, const Modulus& q) {
    const ShoupFactor factor(value, q);
    table[2 * i] = factor.value;
    table[2 * i + 1] = factor.quotient;
}

ShoupFactor load_twiddle(const Word* table, std::size_t i) {
    ShoupFactor factor;
    factor.value = table[2 * i];
    factor.quotient = table[2 * i + 1];
    return factor;
}

/// The powers in order; entry 0 of the inverse, otherwise unused, holds 1/n.
void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse) {
    const TwiddlePowers powers(n, q, root);
    forward = Buffer(2 * n);
    inverse = Buffer(2 * n);
    for (std::size_t i = 0; i < n; ++i) {
        store_twiddle(forward, i, powers.forward[i], q);
        store_twiddle(inverse, i, i == 0 ? powers.scale : powers.inverse[i], q);
    }
}

/// Cooley-Tukey butterflies with Shoup products (Harvey, arXiv 1205.2926), but without his correction of the
/// upper operand: a product is in [0, 2q) for any 64-bit operand, so every stage raises the bound by 2q, and
/// 15 stages from [0, 4q) stay below 34q < 2^56.
void forward_butterfly(Word& x, Word& y, const ShoupFactor& w, Word q) {
    const Word product = w.multiply_lazy(y, q);
    y = x + 2 * q - product;
    x += product;
}

void ntt_forward(const NttTables& tables, Word* a, const Word* source) {
    const std::size_t n = tables.size();
    if (source != a) {
        std::copy_n(source, n, a);
    }
    const Modulus& modulus = tables.modulus();
    const Word q = modulus.value();
    const Word* twiddles = tables.forward_twiddles().data();
    std::size_t blocks = 1;
    if (std::countr_zero(n) % 2 == 0) {
        // One stage alone, so that an even number is left before the last.
        const ShoupFactor w = load_twiddle(twiddles, 1);
        for (std::size_t j = 0; j < n / 2; ++j) {
            forward_butterfly(a[j], a[j + n / 2], w, q);
        }
        blocks = 2;
    }
    for (; blocks < n / 2; blocks *= 4) {
        const std::size_t quarter = n / blocks / 4;
        for (std::size_t block = 0; block < blocks; ++block) {
            const ShoupFactor w = load_twiddle(twiddles, blocks + block);
            const ShoupFactor w0 = load_twiddle(twiddles, 2 * (blocks + block));
            const ShoupFactor w1 = load_twiddle(twiddles, 2 * (blocks + block) + 1);
            Word* x = a + 4 * block * quarter;
            for (std::size_t j = 0; j < quarter; ++j, ++x) {
                Word x0 = x[0];
                Word x1 = x[quarter];
                Word x2 = x[2 * quarter];
                Word x3 = x[3 * quarter];
                forward_butterfly(x0, x2, w, q);
                forward_butterfly(x1, x3, w, q);
                forward_butterfly(x0, x1, w0, q);
                forward_butterfly(x2, x3, w1, q);
                x[0] = x0;
                x[quarter] = x1;
                x[2 * quarter] = x2;
                x[3 * quarter] = x3;
            }
        }
    }
    for (std::size_t block = 0; block < n / 2; ++block) {
        const ShoupFactor w = load_twiddle(twiddles, n / 2 + block);
        Word* x = a + 2 * block;
        const Word product = w.multiply_lazy(x[1], q);
        x[1] = modulus.reduce(x[0] + 2 * q - product);
        x[0] = modulus.reduce(x[0] + product);
    }
}

/// Gentleman-Sande butterflies: x, y in [0, bound) -> x + y in [0, 2 bound), w (x - y) in [0, 2q). bound is a
/// multiple of q.
void inverse_butterfly(Word& x, Word& y, const ShoupFactor& w, Word bound, Word q) {
    const Word difference = x + bound - y;
    x += y;
    y = w.multiply_lazy(difference, q);
}

/// In each pass of two stages only the sum of all four operands grows; it is reduced when it would no longer
/// fit.
void ntt_inverse(const NttTables& tables, Word* a, Word factor) {
    const std::size_t n = tables.size();
    const Modulus& modulus = tables.modulus();
    const Word q = modulus.value();
    const Word* twiddles = tables.inverse_twiddles().data();
    Word bound = 2 * q;  // exclusive, of every word
    std::size_t blocks = n / 2;
    if (std::countr_zero(n) % 2 == 0) {
        for (std::size_t block = 0; block < blocks; ++block) {
            inverse_butterfly(a[2 * block], a[2 * block + 1], load_twiddle(twiddles, blocks + block), bound,
                              q);
        }
        bound *= 2;
        blocks /= 2;
    }
    for (; blocks > 1; blocks /= 4) {
        const std::size_t quarter = n / blocks / 2;
        const bool reduce_sums = bound >> 60 != 0;
        for (std::size_t block = 0; block < blocks / 2; ++block) {
            const ShoupFactor w0 = load_twiddle(twiddles, blocks + 2 * block);
            const ShoupFactor w1 = load_twiddle(twiddles, blocks + 2 * block + 1);
            const ShoupFactor w = load_twiddle(twiddles, blocks / 2 + block);
            Word* x = a + 4 * block * quarter;
            for (std::size_t j = 0; j < quarter; ++j, ++x) {
                Word x0 = x[0];
                Word x1 = x[quarter];
                Word x2 = x[2 * quarter];
                Word x3 = x[3 * quarter];
                inverse_butterfly(x0, x1, w0, bound, q);
                inverse_butterfly(x2, x3, w1, bound, q);
                inverse_butterfly(x0, x2, w, 2 * bound, q);
                inverse_butterfly(x1, x3, w, 2 * q, q);
                x[0] = reduce_sums ? modulus.reduce(x0) : x0;
                x[quarter] = x1;
                x[2 * quarter] = x2;
                x[3 * quarter] = x3;
            }
        }
        bound = reduce_sums ? 4 * q : 4 * bound;
    }
    const auto scaled = [&](std::size_t i) {
        const ShoupFactor w = load_twiddle(twiddles, i);
        return factor == 1 ? w : ShoupFactor(modulus.multiply(w.value, factor), modulus);
    };
    const ShoupFactor scale = scaled(0);
    const ShoupFactor scaled_root = scaled(1);
    Word* y = a + n / 2;
    for (std::size_t j = 0; j < n / 2; ++j) {
        const Word sum = a[j] + y[j];
        const Word difference = a[j] + bound - y[j];
        a[j] = scale.multiply(sum, q);
        y[j] = scaled_root.multiply(difference, q);
    }
}

// ---- element by element

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.add(a[j], b[j]);
    }
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.subtract(a[j], b[j]);
    }
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.negate(a[j]);
    }
}

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.reduce(a[j]);
    }
}

void from_signed(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = a[j] + (q.value() & (Word{0} - (a[j] >> 63)));
    }
}

void lift_centred(Word* out, const Word* a, std::size_t n, const Modulus& p, const Modulus& q) {
    const Word half = p.value() / 2;
    const Word step = q.value() - p.value();  // wraps where p > q
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = a[j] + (step & (Word{0} - ((half - a[j]) >> 63)));
    }
}

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.multiply(a[j], b[j]);
    }
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.reduce(uint128_t{a[j]} * b[j] + out[j]);
    }
}

void multiply_scalar(Word* out, const Word* a, std::size_t n, const ShoupFactor& w, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = w.multiply(a[j], q.value());
    }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, std::size_t n, const ShoupFactor& w,
                              const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = w.multiply(a[j] + q.value() - q.reduce(b[j]), q.value());
    }
}

/// Sums that are kept in registers side by side: their additions with carry would otherwise wait for each
/// other.
constexpr std::size_t sum_columns = 4;

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q) {
    for (std::size_t j = 0; j < n; j += sum_columns) {
        uint128_t sum[sum_columns] = {};
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < sum_columns; ++k) {
                sum[k] += uint128_t{a[i][j + k]} * b[i][j + k];
            }
        }
        for (std::size_t k = 0; k < sum_columns; ++k) {
            out[j + k] = q.reduce(sum[k]);
        }
    }
}

void tensor(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, const Word* b0,
            const Word* b1, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out0[j] = q.multiply(a0[j], b0[j]);
        out1[j] = q.reduce(uint128_t{a0[j]} * b1[j] + uint128_t{a1[j]} * b0[j]);
        out2[j] = q.multiply(a1[j], b1[j]);
    }
}

void tensor_square(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out0[j] = q.multiply(a0[j], a0[j]);
        out1[j] = q.reduce(uint128_t{a0[j]} * a1[j] * 2);
        out2[j] = q.multiply(a1[j], a1[j]);
    }
}

// ---- base conversion

/// Weights are read as they are.
void prepare_weights(Word*, std::size_t, const Modulus&) {}

/// Some columns at a time, as in dot.
void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q) {
    for (std::size_t j = 0; j < n; j += sum_columns) {
        uint128_t sum[sum_columns] = {};
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < sum_columns; ++k) {
                sum[k] += uint128_t{rows[i][j + k]} * weights[i];
            }
        }
        for (std::size_t k = 0; k < sum_columns; ++k) {
            out[j + k] = q.reduce(sum[k]);
        }
    }
}

/// The 104-bit products are taken apart by shifting the row: floor(x f / 2^52) is the high word of (x 2^12)
/// f. Some columns at a time, so that the sums stay in registers while the rows pass.
void round_fractions(Word* out, const Word* const* rows, const Word* high, const Word* low, std::size_t count,
                     std::size_t n) {
    constexpr Word mask = (Word{1} << 52) - 1;
    for (std::size_t j = 0; j < n; j += sum_columns) {
        Word whole[sum_columns] = {};
        Word part[sum_columns];
        std::fill_n(part, sum_columns, Word{1} << 51);
        for (std::size_t i = 0; i < count; ++i) {
            const Word* row = rows[i] + j;
            for (std::size_t k = 0; k < sum_columns; ++k) {
                const Word shifted = row[k] << 12;
                whole[k] += static_cast<Word>((uint128_t{shifted} * high[i]) >> 64);
                part[k] += (row[k] * high[i] & mask) + static_cast<Word>((uint128_t{shifted} * low[i]) >> 64);
            }
        }
        for (std::size_t k = 0; k < sum_columns; ++k) {
            out[j + k] = whole[k] + (part[k] >> 52);
        }
    }
}

// ---- permutations

void gather(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = a[index[j]];
    }
}

void automorphism(Word* out, const Word* a, std::size_t n, std::uint32_t h, const Modulus& q) {
    std::size_t k = 0;
    for (std::size_t j = 0; j < n; ++j, k = (k + h) & (2 * n - 1)) {
        const Word value = a[k & (n - 1)];
        out[j] = k >= n ? q.negate(value) : value;
    }
}

// ---- the sparse monomial product

/// Eight words at a time, so that the running sums stay in registers while the terms pass.
void sparse_tile(Word* out, std::size_t length, const Word* packed, const std::uint32_t* offsets,
                 const TermGroup* groups, std::size_t group_count, Word offset, bool accumulate,
                 const Modulus& q) {
    constexpr std::size_t lanes = 8;
    for (std::size_t base = 0; base < length; base += lanes) {
        const Word* source = packed + base;
        Word total[lanes];
        for (Word& word : total) {
            word = offset;
        }
        for (std::size_t g = 0; g < group_count; ++g) {
            const TermGroup& group = groups[g];
            Word sum[lanes] = {};
            for (std::uint32_t i = group.begin; i < group.middle; ++i) {
                for (std::size_t k = 0; k < lanes; ++k) {
                    sum[k] += source[offsets[i] + k];
                }
            }
            for (std::uint32_t i = group.middle; i < group.end; ++i) {
                for (std::size_t k = 0; k < lanes; ++k) {
                    sum[k] -= source[offsets[i] + k];
                }
            }
            if (group.shift >= 0) {
                for (std::size_t k = 0; k < lanes; ++k) {
                    total[k] += sum[k] << group.shift;
                }
            } else {
                for (std::size_t k = 0; k < lanes; ++k) {
                    total[k] += sum[k] * group.multiplier;
                }
            }
        }
        for (std::size_t k = 0; k < lanes; ++k) {
            const Word reduced = q.reduce(total[k]);
            out[base + k] = accumulate ? q.add(out[base + k], reduced) : reduced;
        }
    }
}

// ---- sampling

std::size_t filter_below(Word* out, const Word* words, std::size_t count, Word mask, Word bound) {
    std::size_t kept = 0;
    for (std::size_t j = 0; j < count; ++j) {
        const Word candidate = words[j] & mask;
        out[kept] = candidate;
        kept += candidate < bound;
    }
    return kept;
}

void centred_binomial(Word* out, const Word* words, std::size_t n) {
    constexpr Word mask = (Word{1} << 21) - 1;
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = static_cast<Word>(std::popcount(words[j] & mask)) -
                 static_cast<Word>(std::popcount((words[j] >> 21) & mask));
    }
}

}  // namespace

const Kernels portable_kernels = {
    .name = "portable",
    .supported = [] { return true; },
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
