// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include <lacuna/ntt/kernels/portable/functions.h>
#include <lacuna/ntt/kernels/twiddle_powers.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna::portable {

namespace {

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

}  // namespace

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

namespace {

/// Cooley-Tukey butterflies with Shoup products (Harvey, arXiv 1205.2926), but without his correction of the
/// upper operand: a product is in [0, 2q) for any 64-bit operand, so every stage raises the bound by 2q, and
/// 15 stages from [0, 4q) stay below 34q < 2^56.
void forward_butterfly(Word& x, Word& y, const ShoupFactor& w, Word q) {
    const Word product = w.multiply_lazy(y, q);
    y = x + 2 * q - product;
    x += product;
}

/// Two stages over blocks of four quarters.
void forward_pass(Word* a, std::size_t quarter, std::size_t blocks, const Word* twiddles, Word q) {
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

}  // namespace

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
        forward_pass(a, n / blocks / 4, blocks, twiddles, q);
    }
    for (std::size_t block = 0; block < n / 2; ++block) {
        const ShoupFactor w = load_twiddle(twiddles, n / 2 + block);
        Word* x = a + 2 * block;
        const Word product = w.multiply_lazy(x[1], q);
        x[1] = modulus.reduce(x[0] + 2 * q - product);
        x[0] = modulus.reduce(x[0] + product);
    }
}

namespace {

/// Gentleman-Sande butterflies: x, y in [0, bound) -> x + y in [0, 2 bound), w (x - y) in [0, 2q). bound is a
/// multiple of q.
void inverse_butterfly(Word& x, Word& y, const ShoupFactor& w, Word bound, Word q) {
    const Word difference = x + bound - y;
    x += y;
    y = w.multiply_lazy(difference, q);
}

/// Two stages, from `blocks` blocks on, each pair of which makes one block of four quarters. Only the sum of
/// all four operands grows.
void inverse_pass(Word* a, std::size_t quarter, std::size_t blocks, const Word* twiddles, Word bound,
                  bool reduce_sums, const Modulus& modulus) {
    const Word q = modulus.value();
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
}

}  // namespace

/// The sums that grow are reduced when they would no longer fit.
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
        const bool reduce_sums = bound >> 60 != 0;
        inverse_pass(a, n / blocks / 2, blocks, twiddles, bound, reduce_sums, modulus);
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

}  // namespace lacuna::portable
