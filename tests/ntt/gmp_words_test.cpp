// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/gmp_words.h>

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace lacuna {

namespace {

constexpr std::uint64_t words[] = {0,
                                   1,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000000,
                                   0x123456789abcdef0,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffffffffffff};

TEST(GmpWords, CrossWholeAndComeBack) {
    for (const std::uint64_t word : words) {
        EXPECT_EQ(to_mpz(word).get_str(), std::to_string(word));
        EXPECT_EQ(to_word(to_mpz(word)), word);
    }
}

TEST(GmpWords, SignedOnesKeepTheirSign) {
    for (const std::uint64_t word : words) {
        const auto value = static_cast<std::int64_t>(word);
        EXPECT_EQ(to_signed_mpz(value).get_str(), std::to_string(value));
    }
    EXPECT_EQ(to_signed_mpz(std::numeric_limits<std::int64_t>::min()).get_str(), "-9223372036854775808");
}

TEST(GmpWords, ResiduesOfLongAndNegativeIntegers) {
    for (const std::uint64_t q :
         {std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{65537}, std::uint64_t{0xffffffff},
          std::uint64_t{1} << 49, (std::uint64_t{1} << 50) - 1}) {
        const Modulus modulus(q);
        for (const std::uint64_t word : words) {
            for (int shift = 0; shift <= 320; shift += 40) {
                const mpz_class magnitude = (to_mpz(word) << shift) + to_mpz(word / 3);
                for (const mpz_class& value : {magnitude, mpz_class(-magnitude)}) {
                    mpz_class expected;
                    mpz_fdiv_r(expected.get_mpz_t(), value.get_mpz_t(),
                               mpz_class(std::to_string(q)).get_mpz_t());
                    EXPECT_EQ(std::to_string(residue(value, modulus)), expected.get_str());
                }
            }
        }
    }
}

}  // namespace

}  // namespace lacuna
