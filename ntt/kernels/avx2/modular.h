// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic modulo q < 2^50 on vectors of four doubles, which multiply 53 bits where the integer units of
// these machines multiply 32.
//
// Modular product (van der Hoeven, Lecerf, Quintin, arXiv 1407.3383, section 3; FLINT's fft_small): for
// integers a, b held in doubles let h = RN(a b) and l = a b - h, exact by one fused operation. With c =
// round(a (b / q)) or c = round(h / q), r = (h - c q) + l is an integer = a b mod q; h - c q is exact since
// it and l are integers and |h - c q| <= |r| + |l| < 2^53. How far |r| exceeds q / 2 depends on the error of
// the quotient, bounded where c is computed.
#pragma once

#include <bit>

#include <lacuna/ntt/kernels/avx2/vectors.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

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

inline double centred(Word w, const Modulus& q) {
    return static_cast<double>(q.centre(w));
}

inline Twiddle to_twiddle(Word w, const Modulus& q) {
    const double value = centred(w, q);
    return {broadcast_real(value), broadcast_real(value / static_cast<double>(q.value()))};
}

/// Reduces any 64-bit word: high 2^32 + low, where the product of high by 2^32 mod q is at most 0.75 q.
class WordReducer {
  public:
    static constexpr Word least_modulus = 2;  // takes them all

    explicit WordReducer(const Modulus& modulus)
        : constants_(modulus),
          power_(to_twiddle(modulus.reduce(Word{1} << 32), modulus)),
          q_(broadcast(modulus.value())) {}

    [[nodiscard]] Vec reduce(Vec x) const {
        const Real high = to_real(_mm256_srli_epi64(x, 32));
        const Real low = to_real(_mm256_and_si256(x, broadcast(0xffffffff)));
        return finish(centre(_mm256_add_pd(multiply(high, power_, constants_), low), constants_), constants_);
    }
    [[nodiscard]] Vec q() const { return q_; }

  private:
    Constants constants_;
    Twiddle power_;
    Vec q_;
};

/// Products of words in [0, q).
class Multiplier {
  public:
    explicit Multiplier(const Modulus& modulus) : c_(modulus) {}

    [[nodiscard]] Real operand(Vec a) const { return to_real(a); }
    [[nodiscard]] Vec product(Real x, Real y) const { return finish(multiply(x, y, c_), c_); }
    [[nodiscard]] Vec product_plus(Real x, Real y, Vec word) const {
        return finish_sum(multiply(x, y, c_), to_real(word));
    }
    [[nodiscard]] Vec twice_product(Real x, Real y) const {
        const Real product = multiply(x, y, c_);
        return finish_sum(product, product);
    }
    [[nodiscard]] Vec sum_of_products(Real x0, Real y0, Real x1, Real y1) const {
        return finish_sum(multiply(x0, y0, c_), multiply(x1, y1, c_));
    }

  private:
    [[nodiscard]] Vec finish_sum(Real x, Real y) const { return finish(centre(_mm256_add_pd(x, y), c_), c_); }

    Constants c_;
};

/// Products with a constant w.
class ScalarMultiplier {
  public:
    ScalarMultiplier(const ShoupFactor& w, const Modulus& q) : c_(q), w_(to_twiddle(w.value, q)) {}

    /// Any a below 2^52 -> a w in [0, q).
    [[nodiscard]] Vec product(Vec a) const { return finish(multiply(to_real(a), w_, c_), c_); }
    /// a in [0, q), any b below 2^52 -> (a - b) w in [0, q).
    [[nodiscard]] Vec product_of_difference(Vec a, Vec b) const {
        const Real difference = _mm256_sub_pd(to_real(a), centre(to_real(b), c_));
        return finish(multiply(difference, w_, c_), c_);
    }

  private:
    Constants c_;
    Twiddle w_;
};

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
