// SPDX-License-Identifier: Apache-2.0
//
// Sums of products. They share no loop with AVX2: the integer multipliers add halves of products without any
// reduction before the end, doubles have to reduce every product.
#include <algorithm>
#include <iterator>

#include <lacuna/ntt/kernels/avx512ifma/vectors.h>
#include <lacuna/ntt/kernels/portable/functions.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

namespace {

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

}  // namespace

/// w 2^52 mod q for the Montgomery reduction of the sum; even moduli are left to the portable twin.
void prepare_weights(Word* weights, std::size_t count, const Modulus& q) {
    for (std::size_t i = 0; i < count && q.value() % 2 != 0; ++i) {
        weights[i] = q.reduce(uint128_t{weights[i]} << 52);
    }
}

void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q) {
    if (q.value() % 2 == 0) {
        portable::weighted_sum(out, rows, weights, count, n, q);
        return;
    }
    weighted_sums[count < std::size(weighted_sums) ? count : 0](out, rows, weights, count, n, q);
}

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q) {
    if (q.value() % 2 == 0) {
        portable::dot(out, a, b, count, n, q);
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

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
