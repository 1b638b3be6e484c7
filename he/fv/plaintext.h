// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna {

/// A polynomial modulo x^n + 1 and t(x). For an integer t: n words in [0, t). For x^k - b: n small signed
/// coefficients as two's complement words, at most t.coefficient_bound() in absolute value. Many such
/// polynomials stand for one residue class; == compares the words.
class Plaintext {
  public:
    Plaintext() = default;
    Plaintext(std::size_t n, const PlainModulus& t) : t_(t), coefficients_(n, Secrecy::secret) {}
    Plaintext(std::size_t n, std::uint64_t t) : Plaintext(n, PlainModulus(t)) {}

    [[nodiscard]] std::size_t n() const { return coefficients_.size(); }
    [[nodiscard]] const PlainModulus& t() const { return t_; }
    /// The integer t; throws Error where the modulus is a binomial.
    [[nodiscard]] std::uint64_t modulus() const { return t_.value(); }
    [[nodiscard]] std::uint64_t* data() { return coefficients_.data(); }
    [[nodiscard]] const std::uint64_t* data() const { return coefficients_.data(); }
    [[nodiscard]] std::uint64_t& operator[](std::size_t i) { return coefficients_[i]; }
    [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return coefficients_[i]; }
    /// Coefficient i as a small integer: in (-t/2, t/2], or as it is.
    [[nodiscard]] std::int64_t centred(std::size_t i) const {
        const auto word = static_cast<std::int64_t>(coefficients_[i]);
        if (!t_.is_integer()) {
            return word;
        }
        const auto t = static_cast<std::int64_t>(t_.value());
        return word > t / 2 ? word - t : word;
    }
    bool operator==(const Plaintext& other) const {
        return t_ == other.t_ && n() == other.n() && std::equal(data(), data() + n(), other.data());
    }

  private:
    PlainModulus t_;
    Buffer coefficients_;
};

/// Throws Error, with `operation` in front, unless every coefficient is in the range that t sets. Time and
/// memory accesses depend on nothing but the answer.
void check_coefficients(const char* operation, const Plaintext& plaintext);

/// A plaintext lifted to centred coefficients and transformed, ready to multiply ciphertexts in NTT form
/// without further work. It may cover the special primes too (see Evaluator::sum_of_rotated_products).
struct PreparedPlaintext {
    PlainModulus t;
    std::size_t data_limbs = 0;
    RnsPolynomial values;  ///< NTT form: data_limbs limbs, then the special primes' where prepared for them
};

/// One term c x^exponent of a sparse plaintext; exponent in [0, 2n), x^n = -1.
struct Monomial {
    std::int64_t coefficient = 1;
    std::size_t exponent = 0;
    bool operator==(const Monomial&) const = default;
};

}  // namespace lacuna
