// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ntt/buffer.h"
#include "rns/polynomial.h"

namespace lacuna {

/// A polynomial of Z_t[x]/(x^n + 1): n coefficients in [0, t).
class Plaintext {
  public:
    Plaintext() = default;
    Plaintext(std::size_t n, std::uint64_t t) : t_(t), coefficients_(n, Secrecy::secret) {}

    [[nodiscard]] std::size_t n() const { return coefficients_.size(); }
    [[nodiscard]] std::uint64_t modulus() const { return t_; }
    [[nodiscard]] std::uint64_t* data() { return coefficients_.data(); }
    [[nodiscard]] const std::uint64_t* data() const { return coefficients_.data(); }
    [[nodiscard]] std::uint64_t& operator[](std::size_t i) { return coefficients_[i]; }
    [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return coefficients_[i]; }
    bool operator==(const Plaintext& other) const {
        return t_ == other.t_ && n() == other.n() && std::equal(data(), data() + n(), other.data());
    }

  private:
    std::uint64_t t_ = 0;
    Buffer coefficients_;
};

/// Throws Error, with `operation` in front, unless every coefficient is below the modulus, which is a
/// plaintext space's. Time and memory
/// accesses depend on nothing but the answer.
void check_coefficients(const char* operation, const Plaintext& plaintext);

/// A plaintext lifted to centred coefficients and transformed, ready to multiply ciphertexts in NTT form
/// without further work. It may cover the special primes too (see Evaluator::sum_of_rotated_products).
struct PreparedPlaintext {
    std::uint64_t t = 0;
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
