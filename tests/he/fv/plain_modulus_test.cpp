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

TEST(PlainModulus, NamesWhatItIs) {
    const PlainModulus integer(65537);
    EXPECT_TRUE(integer.is_integer());
    EXPECT_EQ(integer.value(), 65537U);
    EXPECT_EQ(integer.power(), 0U);
    EXPECT_EQ(to_string(integer), "65537");
    EXPECT_EQ(integer, 65537U);
    EXPECT_DOUBLE_EQ(integer.log_norm(), std::log2(65537.0));
    EXPECT_DOUBLE_EQ(integer.log_bound(), std::log2(65537.0));
    EXPECT_THROW((void)integer.base(), Error);
    EXPECT_THROW((void)integer.coefficient_bound(), Error);
    const PlainModulus binomial = PlainModulus::binomial(2048, -1472);
    EXPECT_FALSE(binomial.is_integer());
    EXPECT_EQ(binomial.power(), 2048U);
    EXPECT_EQ(binomial.base(), -1472);
    EXPECT_EQ(to_string(binomial), "x^2048 + 1472");
    EXPECT_NEAR(binomial.log_norm(), std::log2(std::sqrt(1472.0 * 1472 + 1)), 1e-12);
    EXPECT_NEAR(binomial.log_bound(), std::log2(1473.0), 1e-12);
    EXPECT_EQ(binomial.coefficient_bound(), 737);
    EXPECT_THROW((void)binomial.value(), Error);
    EXPECT_NE(binomial, PlainModulus::binomial(2048, 1472));
    EXPECT_NE(PlainModulus(2), PlainModulus::binomial(1, 2));
}

TEST(PlainModulus, SlotModulusIsThePowerOfItsDefinition) {
    for (const auto& [n, k, b] : slot_settings()) {
        mpz_class p = 1;
        for (std::size_t i = 0; i < n / k; ++i) {
            p *= static_cast<long>(b);
        }
        EXPECT_EQ(slot_modulus(PlainModulus::binomial(k, b), n), p + 1);
    }
    EXPECT_EQ(slot_modulus(PlainModulus(97), 1024), 97);
}

TEST(PlainModulus, SaysWhatIsWrongWithABinomial) {
    const std::vector<std::uint64_t> none;
    const auto problem = [&](std::size_t k, std::int64_t b) {
        return binomial_problem(PlainModulus::binomial(k, b), 64, none);
    };
    for (const std::size_t k : {1, 2, 32}) {
        for (const std::int64_t b : {std::int64_t{2}, std::int64_t{-2}, max_plain_base - 1}) {
            EXPECT_EQ(problem(k, b), "") << k << " " << b;
        }
    }
    EXPECT_NE(problem(64, 2).find("power of two in 1 ... 32"), std::string::npos);
    EXPECT_NE(problem(3, 2).find("power of two"), std::string::npos);
    for (const std::int64_t b : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, max_plain_base}) {
        EXPECT_NE(problem(2, b).find("2 <= |b| < 2^24"), std::string::npos) << b;
    }
    EXPECT_NE(binomial_problem(PlainModulus(97), 64, none).find("found an integer"), std::string::npos);
    // A prime at which x^k - b vanishes somewhere is found, and no other.
    for (const std::uint64_t prime : {193U, 257U, 641U}) {
        const Modulus q(prime);
        for (std::int64_t b = 2; 4 * (b + 1) < static_cast<std::int64_t>(prime); ++b) {
            std::uint64_t power = 1;
            for (std::size_t i = 0; i < 64 / 8; ++i) {
                power = q.multiply(power, static_cast<std::uint64_t>(b));
            }
            const std::vector<std::uint64_t> primes = {prime};
            EXPECT_EQ(binomial_problem(PlainModulus::binomial(8, b), 64, primes).empty(), power != prime - 1)
                << b << " modulo " << prime;
        }
    }
}

TEST(BalancedDigits, StandForTheirValueAtEverySize) {
    std::mt19937_64 random(1);
    for (const auto& [n, k, b] : slot_settings()) {
        const PlainModulus t = PlainModulus::binomial(k, b);
        const mpz_class p = slot_modulus(t, n);
        std::vector<mpz_class> values = {0, 1, -1, p / 2, p / 2 + 1, p - 1, -p};
        for (int i = 0; i < 5; ++i) {
            mpz_class value = 0;
            for (std::size_t bits = 0; bits < mpz_sizeinbase(p.get_mpz_t(), 2); bits += 64) {
                value = (value << 64) + to_mpz(random());
            }
            values.push_back(value);
        }
        for (const mpz_class& value : values) {
            const std::vector<std::int64_t> digits = balanced_digits(value, t, n);
            ASSERT_EQ(digits.size(), n / k);
            mpz_class horner = 0;
            for (std::size_t j = digits.size(); j-- > 0;) {
                ASSERT_LE(std::abs(digits[j]), t.coefficient_bound());
                horner = horner * static_cast<long>(b) + static_cast<long>(digits[j]);
            }
            ASSERT_EQ(centred(horner, p), centred(value, p));
            ASSERT_EQ(value_of_digits(digits, t, n), centred(value, p));
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
