// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna {

// Arithmetic of Z_Q[x]/(x^n + 1). Every function works modulo the first limbs() primes of the basis, takes an
// output that may be one of the inputs, and throws Error where degree, number of limbs or form do not fit. An
// output that has to be made anew is as secret as the first operand.

void to_ntt(const RnsBasis& basis, RnsPolynomial& a);
void to_coefficients(const RnsBasis& basis, RnsPolynomial& a);

void add(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out);
void subtract(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out);
void negate(const RnsBasis& basis, const RnsPolynomial& a, RnsPolynomial& out);

/// out = a b; NTT form only.
void multiply(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out);
/// out = out + a b; NTT form only.
void multiply_add(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out);

/// out = scalar a in either form; any signed scalar, used by its centred residue.
void multiply_scalar(const RnsBasis& basis, const RnsPolynomial& a, std::int64_t scalar, RnsPolynomial& out);

/// out = scalar x^exponent a in either form. exponent in [0, 2n): x^n = -1. In coefficient form this is a
/// negacyclic shift and a scale, O(n) per limb; in NTT form a product with the values of the monomial.
void multiply_monomial(const RnsBasis& basis, const RnsPolynomial& a, std::int64_t scalar,
                       std::size_t exponent, RnsPolynomial& out);

/// Writes small signed coefficients, |c| < every prime, given as two's complement words, into all limbs of
/// `out` (coefficient form).
void set_signed(const RnsBasis& basis, const std::uint64_t* coefficients, RnsPolynomial& out);

}  // namespace lacuna
