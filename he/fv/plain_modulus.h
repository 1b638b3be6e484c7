// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

namespace lacuna {

/// Bases of binomials are below this in absolute value, so that products of two digits, and sums of a few
/// thousand of them, fit 64 bits.
inline constexpr std::int64_t max_plain_base = std::int64_t{1} << 24;

/// The plaintext modulus t(x): an integer t, which is FV as everybody knows it, or a binomial x^k - b (GBFV,
/// ePrint 2024/1587). he/fv/plain_modulus.md has the algebra and what it means for noise. A value, no more:
/// what it may be for a ring, resolve() checks.
class PlainModulus {
  public:
    PlainModulus() = default;
    /// The integer t.
    explicit constexpr PlainModulus(std::uint64_t t) : base_(static_cast<std::int64_t>(t)) {}
    /// x^power - base.
    [[nodiscard]] static constexpr PlainModulus binomial(std::size_t power, std::int64_t base) {
        PlainModulus result;
        result.power_ = static_cast<std::uint32_t>(power);
        result.base_ = base;
        return result;
    }

    [[nodiscard]] constexpr bool is_integer() const { return power_ == 0; }
    /// t; throws Error where it is a binomial.
    [[nodiscard]] std::uint64_t value() const;
    /// k of x^k - b; 0 for an integer.
    [[nodiscard]] constexpr std::size_t power() const { return power_; }
    /// b of x^k - b; throws Error where it is an integer.
    [[nodiscard]] std::int64_t base() const;

    /// log2 of the Euclidean norm of t(x): of t, or of sqrt(b^2 + 1). What noise with uncorrelated
    /// coefficients grows by, in deviations; NoiseModel's log_t.
    [[nodiscard]] double log_norm() const;
    /// log2 of the sum of |coefficients|: of t, or of |b| + 1. What any noise grows by at most.
    [[nodiscard]] double log_bound() const;
    /// The largest |coefficient| of a plaintext modulo x^k - b, floor(|b| / 2) + 1: digits are balanced, and
    /// one residue class needs one more. Throws Error where it is an integer.
    [[nodiscard]] std::int64_t coefficient_bound() const;

    bool operator==(const PlainModulus&) const = default;
    friend bool operator==(const PlainModulus& a, std::uint64_t t) { return a == PlainModulus(t); }

  private:
    std::uint32_t power_ = 0;
    std::int64_t base_ = 0;  // or the integer itself
};

/// "65537" or "x^2048 - 1472".
[[nodiscard]] std::string to_string(const PlainModulus& t);

/// Why this modulus does not fit a ring of degree n with these data primes (none: not judged), with what to
/// do; empty where it does. A binomial's k must be a power of two of at most n/2, its b small, and b^(n/k) +
/// 1 invertible modulo every prime: x^k - b vanishes nowhere then, and can be divided by.
[[nodiscard]] std::string binomial_problem(const PlainModulus& t, std::size_t n,
                                           std::span<const std::uint64_t> data_primes);

/// The integer p with Z[x]/(x^n + 1, t(x)) = Z_p[x]/(x^k - b): b^(n/k) + 1, or t itself.
[[nodiscard]] mpz_class slot_modulus(const PlainModulus& t, std::size_t n);

/// The digits d_0 ... d_{N-1}, N = n/k, with sum_j d_j b^j = value modulo p, so that sum_j d_j x^(kj) = value
/// modulo t(x): balanced, in (-|b|/2, |b|/2] (mirrored where b and j make it so), non-adjacent for |b| = 2,
/// and shortest for small values. Digit 0 may exceed that range by one. t: a binomial.
[[nodiscard]] std::vector<std::int64_t> balanced_digits(const mpz_class& value, const PlainModulus& t,
                                                        std::size_t n);

/// The value in (-p/2, p/2] of digits as above; any digits of up to 2^25 in absolute value.
[[nodiscard]] mpz_class value_of_digits(const std::vector<std::int64_t>& digits, const PlainModulus& t,
                                        std::size_t n);

}  // namespace lacuna
