// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <gmpxx.h>

namespace lacuna {

/// One non-zero digit of an integer in base 2: sign * 2^exponent, sign +1 or -1. As a term of a digit
/// polynomial it is sign * x^exponent; the polynomial's value at x = 2 is the integer.
struct Digit {
    std::size_t exponent = 0;
    int sign = 1;
    bool operator==(const Digit&) const = default;
};

/// Binary digits of a value >= 0, exponents rising, all signs +1. Throws Error for a negative value.
[[nodiscard]] std::vector<Digit> binary_digits(const mpz_class& value);

/// Non-adjacent form (Reitwiesner 1960): the signed-digit form with the fewest digits, no two of them
/// adjacent, exponents rising; at most one position longer than the binary form. +-2^k is the single digit
/// {k, +-1}.
[[nodiscard]] std::vector<Digit> naf(const mpz_class& value);

/// c[0] + c[1] * 2 + c[2] * 4 + ...: the integer that a digit polynomial stands for.
[[nodiscard]] mpz_class evaluate_at_two(std::span<const mpz_class> coefficients);

}  // namespace lacuna
