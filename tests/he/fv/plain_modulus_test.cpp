// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/plain_modulus.h>

#include <gmpxx.h>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>
#include "tests/support/slot_settings.h"

namespace lacuna::testing {
namespace {

/// In every residue class modulo p, and every coefficient: the widest coverage that a small p allows.
TEST(BalancedDigits, EveryResidueHasItsDigits) {
    for (const std::int64_t b : {2, -2, 3, 4, -4, 5, 6, 10, -10}) {
        const std::size_t n = 16;
        for (const std::size_t k : {std::size_t{4}, std::size_t{8}}) {
            const PlainModulus t = PlainModulus::binomial(k, b);
            const mpz_class p = slot_modulus(t, n);
            for (mpz_class v = 0; v < p; ++v) {
                const std::vector<std::int64_t> digits = balanced_digits(v, t, n);
                ASSERT_EQ(value_of_digits(digits, t, n), centred(v, p));
                for (const std::int64_t digit : digits) {
                    ASSERT_LE(std::abs(digit), t.coefficient_bound()) << b << " " << v;
                }
            }
        }
    }
    EXPECT_EQ(balanced_digits(-1, PlainModulus::binomial(1, 2), 16)[0], -1);
    EXPECT_EQ(balanced_digits(-3, PlainModulus::binomial(4, 160), 16),
              (std::vector<std::int64_t>{-3, 0, 0, 0}));
    // 7 = 8 - 1 has two digits that are not zero, and none of them adjacent.
    EXPECT_EQ(balanced_digits(7, PlainModulus::binomial(2, 2), 16),
              (std::vector<std::int64_t>{-1, 0, 0, 1, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace lacuna::testing
