// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>

namespace lacuna {

/// Writes a number as the polynomial of its binary digits, so that its value is the polynomial's at x = 2:
/// the encoding of Faster CryptoNets (arXiv 1811.09953, section 3.2), where +-2^k is the monomial +-x^k. Sums
/// and products of polynomials are those of the numbers as long as no coefficient leaves (-t/2, t/2] and no
/// degree reaches n. Fractions use the upper coefficients: 2^-i is -x^(n-i).
class RadixEncoder {
  public:
    /// fraction_bits: coefficients reserved for fractions, below n.
    explicit RadixEncoder(const Context& context, std::size_t plain_index = 0, std::size_t fraction_bits = 0);

    /// Throws Error where |value| has more than n - fraction_bits bits.
    [[nodiscard]] Plaintext encode(const mpz_class& value) const;
    /// Rounds towards zero to a multiple of 2^-fraction_bits. Throws Error where it is not finite or too
    /// large.
    [[nodiscard]] Plaintext encode(double value) const;

    /// The number rounded down to an integer.
    [[nodiscard]] mpz_class decode(const Plaintext& plaintext) const;
    /// The number with its fraction, rounded to double.
    [[nodiscard]] double decode_fixed(const Plaintext& plaintext) const;

  private:
    /// value * 2^fraction_bits, exactly.
    [[nodiscard]] mpz_class decode_scaled(const Plaintext& plaintext) const;
    [[nodiscard]] Plaintext encode_scaled(const mpz_class& scaled) const;

    std::shared_ptr<const PlaintextSpace> space_;
    std::size_t n_;
    std::size_t fraction_bits_;
};

}  // namespace lacuna
