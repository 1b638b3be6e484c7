// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <gmpxx.h>

#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

/// Real factors in [0, 1) as 104-bit fixed point, high 2^-52 + low 2^-104, as Kernels::round_fractions takes
/// them. Integers, not doubles: the same words on every machine, and with 50-bit residues an error below
/// 1.25 x 2^-52 a term (2^-52 that the product with `low` drops, 2^-54 from rounding the factor itself) where
/// a double would err by up to 2^-3.
struct FixedFractions {
    std::vector<std::uint64_t> high;
    std::vector<std::uint64_t> low;

    /// Appends numerator / denominator rounded down to a multiple of 2^-104; 0 <= numerator < denominator.
    void append(const mpz_class& numerator, const mpz_class& denominator) {
        const mpz_class scaled = (numerator << 104) / denominator;
        const mpz_class upper = scaled >> 52;
        high.push_back(to_word(upper));
        low.push_back(to_word(scaled - (upper << 52)));
    }
};

}  // namespace lacuna
