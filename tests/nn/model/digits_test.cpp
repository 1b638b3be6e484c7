// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/digits.h>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>

namespace lacuna {
namespace {

mpz_class value_of(const std::vector<Digit>& digits) {
    mpz_class value;
    for (const Digit& digit : digits) {
        value += digit.sign * (mpz_class(1) << digit.exponent);
    }
    return value;
}

TEST(Digits, BinaryDigitsAddUp) {
    for (int value = 0; value < 2000; ++value) {
        const auto digits = binary_digits(value);
        EXPECT_EQ(value_of(digits), value);
        EXPECT_EQ(digits.size(), static_cast<std::size_t>(__builtin_popcount(static_cast<unsigned>(value))));
    }
}

TEST(Digits, BinaryDigitsRefuseNegativeValues) {
    EXPECT_THROW((void)binary_digits(-1), Error);
}

TEST(Digits, NafAddsUpAndHasNoNeighbours) {
    const mpz_class large("-123456789012345678901234567890123456789");
    for (int i = -2000; i <= 2000; ++i) {
        for (const mpz_class& value : {mpz_class(i), mpz_class(large + i)}) {
            const auto digits = naf(value);
            EXPECT_EQ(value_of(digits), value);
            for (std::size_t d = 1; d < digits.size(); ++d) {
                EXPECT_GE(digits[d].exponent, digits[d - 1].exponent + 2) << value;
            }
        }
    }
}

TEST(Digits, NafOfPowersOfTwoIsOneDigit) {
    for (std::size_t k = 0; k < 200; ++k) {
        const mpz_class power = mpz_class(1) << k;
        EXPECT_EQ(naf(power), (std::vector<Digit>{{k, 1}}));
        EXPECT_EQ(naf(-power), (std::vector<Digit>{{k, -1}}));
    }
    EXPECT_TRUE(naf(0).empty());
}

TEST(Digits, NafOfSeven) {
    EXPECT_EQ(naf(7), (std::vector<Digit>{{0, -1}, {3, 1}}));
}

TEST(Digits, EvaluationAtTwo) {
    const std::vector<mpz_class> coefficients{3, -5, 0, 2};
    EXPECT_EQ(evaluate_at_two(coefficients), 3 - 10 + 16);
    EXPECT_EQ(evaluate_at_two({}), 0);
}

}  // namespace
}  // namespace lacuna
