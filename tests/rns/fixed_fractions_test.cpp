// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/fixed_fractions.h>

#include <gmpxx.h>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

TEST(FixedFractions, AreRoundedDownTo104Bits) {
    std::mt19937_64 random(9);
    FixedFractions fractions;
    std::vector<std::pair<mpz_class, mpz_class>> ratios = {{0, 1},
                                                           {0, 7},
                                                           {1, 2},
                                                           {1, 3},
                                                           {(mpz_class(1) << 50) - 1, mpz_class(1) << 50},
                                                           {1, mpz_class(1) << 104},
                                                           {(mpz_class(1) << 200) - 1, mpz_class(1) << 200}};
    for (int i = 0; i < 100; ++i) {
        const mpz_class denominator = (to_mpz(random()) >> (random() % 60)) + 1;
        ratios.emplace_back(random_below(denominator, random), denominator);
    }
    for (const auto& [numerator, denominator] : ratios) {
        fractions.append(numerator, denominator);
        const std::uint64_t high = fractions.high.back();
        const std::uint64_t low = fractions.low.back();
        EXPECT_EQ(high >> 52, 0u);
        EXPECT_EQ(low >> 52, 0u);
        const mpz_class value = (to_mpz(high) << 52) + to_mpz(low);
        EXPECT_LE(value * denominator, numerator << 104);
        EXPECT_GT((value + 1) * denominator, numerator << 104);
    }
}

}  // namespace
}  // namespace lacuna::testing
