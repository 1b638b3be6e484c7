// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic modulo q < 2^50 on vectors of eight words.
#pragma once

#include <algorithm>

#include <lacuna/ntt/kernels/avx512ifma/vectors.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

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

/// Barrett reduction of products, q of k bits: with h = floor(a b / 2^(k - 1)), which is the high half of
/// (a 2^(52 - k)) (2 b), the quotient Q = high52(h floor(2^(51 + k) / q)) lacks less than 1 for its own
/// rounding, 1 for that of h and 1/2 for that of the ratio: a b - Q q < 2.5 q. A sum of two products lacks 1
/// + 2 + 1: < 4q.
class Multiplier {
  public:
    /// A word in [0, q), and times 2^(52 - k) for the high half of a product.
    struct Operand {
        Vec value;
        Vec scaled;
    };

    explicit Multiplier(const Modulus& modulus)
        : q_(broadcast(modulus.value())),
          double_q_(broadcast(2 * modulus.value())),
          minus_q_(broadcast((Word{1} << 52) - modulus.value())),
          // A power of two q would need 2^52 itself; one less costs no more than the rounding above.
          ratio_(broadcast(std::min(
              static_cast<Word>((uint128_t{1} << (51 + modulus.bits())) / modulus.value()), mask52))),
          shift_(_mm_cvtsi32_si128(52 - modulus.bits())) {}

    [[nodiscard]] Operand operand(Vec a) const { return {a, _mm512_sll_epi64(a, shift_)}; }
    [[nodiscard]] Vec product(const Operand& x, const Operand& y) const {
        return finish(multiply_lazy(x, y.value));
    }
    [[nodiscard]] Vec product_plus(const Operand& x, const Operand& y, Vec word) const {
        return finish(plus(multiply_lazy(x, y.value), word));
    }
    /// The product of x and 2 y counts as two products.
    [[nodiscard]] Vec twice_product(const Operand& x, const Operand& y) const {
        return finish(multiply_lazy(x, plus(y.value, y.value)));
    }
    [[nodiscard]] Vec sum_of_products(const Operand& x0, const Operand& y0, const Operand& x1,
                                      const Operand& y1) const {
        const Vec high = add_high(add_high(zero(), x0.scaled, plus(y0.value, y0.value)), x1.scaled,
                                  plus(y1.value, y1.value));
        return finish(rest(high, add_low(add_low(zero(), x0.value, y0.value), x1.value, y1.value)));
    }

  private:
    /// From h and the low half of the product (or sum): the rest in [0, 4q).
    [[nodiscard]] Vec rest(Vec high, Vec low) const {
        const Vec quotient = add_high(zero(), high, ratio_);
        return _mm512_and_si512(add_low(low, quotient, minus_q_), broadcast(mask52));
    }
    /// [0, 4q) -> [0, q).
    [[nodiscard]] Vec finish(Vec x) const { return correct(correct(x, double_q_), q_); }
    /// x b in [0, 2.5 q) for b in [0, q).
    [[nodiscard]] Vec multiply_lazy(const Operand& x, Vec b) const {
        return rest(add_high(zero(), x.scaled, plus(b, b)), add_low(zero(), x.value, b));
    }

    Vec q_;
    Vec double_q_;
    Vec minus_q_;
    Vec ratio_;
    __m128i shift_;
};

/// Shoup's product with a 52-bit quotient.
class ScalarMultiplier {
  public:
    ScalarMultiplier(const ShoupFactor& w, const Modulus& q)
        : value_(broadcast(w.value)),
          quotient_(broadcast(w.quotient >> 12)),
          q_(broadcast(q.value())),
          double_q_(broadcast(2 * q.value())),
          minus_q_(broadcast((Word{1} << 52) - q.value())),
          ratio_(broadcast(q.ratio() >> 12)) {}

    /// Any a below 2^52 -> a w in [0, q).
    [[nodiscard]] Vec product(Vec a) const {
        const Vec estimate = add_high(zero(), a, quotient_);
        const Vec rest = add_low(add_low(zero(), a, value_), estimate, minus_q_);
        return correct(_mm512_and_si512(rest, broadcast(mask52)), q_);
    }
    /// a in [0, q), any b below 2^52 -> (a - b) w in [0, q). floor(b floor(2^52 / q) / 2^52) is at most 1
    /// below floor(b / q), so b is brought to [0, 2q), and a - b + 2q lies in (0, 3q).
    [[nodiscard]] Vec product_of_difference(Vec a, Vec b) const {
        const Vec multiple = add_low(zero(), add_high(zero(), b, ratio_), q_);
        return product(plus(minus(plus(a, double_q_), b), multiple));
    }

  private:
    Vec value_;
    Vec quotient_;
    Vec q_;
    Vec double_q_;
    Vec minus_q_;
    Vec ratio_;
};

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
