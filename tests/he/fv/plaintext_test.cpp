// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/plaintext.h>

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/messages.h"

namespace lacuna::testing {
namespace {

TEST(Plaintext, CentresItsCoefficients) {
    for (const std::uint64_t t : {2U, 3U, 16U, 17U, 97U}) {
        Plaintext plaintext(16, t);
        for (std::uint64_t word = 0; word < t && word < 16; ++word) {
            plaintext[word] = t - 1 - word;
        }
        for (std::uint64_t word = 0; word < t && word < 16; ++word) {
            const std::int64_t centred = plaintext.centred(word);
            EXPECT_LE(2 * centred, static_cast<std::int64_t>(t));
            EXPECT_GT(2 * centred, -static_cast<std::int64_t>(t));
            EXPECT_EQ((centred + static_cast<std::int64_t>(t)) % static_cast<std::int64_t>(t),
                      static_cast<std::int64_t>(plaintext[word]));
        }
    }
    // Modulo a binomial a coefficient is a small signed integer already.
    Plaintext small(16, PlainModulus::binomial(4, -160));
    small[3] = static_cast<std::uint64_t>(std::int64_t{-81});
    EXPECT_EQ(small.centred(3), -81);
    EXPECT_EQ(small.centred(4), 0);
    EXPECT_THROW((void)small.modulus(), Error);
}

TEST(Plaintext, IsSecretAndComparesWordByWord) {
    Plaintext a(16, 97);
    Plaintext b(16, 97);
    EXPECT_EQ(a, b);
    b[15] = 1;
    EXPECT_NE(a, b);
    EXPECT_NE(a, Plaintext(16, 89));
    EXPECT_NE(a, Plaintext(32, 97));
    const Plaintext copy = b;
    a = copy;
    EXPECT_EQ(a, b);
}

/// Whatever is out of range is found wherever it stands, and nothing else.
TEST(Plaintext, RangesAreCheckedAtEveryCoefficient) {
    const auto problem = [](const Plaintext& plaintext) {
        return message_of([&] { check_coefficients("encrypt", plaintext); });
    };
    const auto word = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
    const PlainModulus binomial = PlainModulus::binomial(4, 5);  // within +-3
    for (std::size_t at = 0; at < 16; ++at) {
        for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{96}}) {
            Plaintext plaintext(16, 97);
            plaintext[at] = value;
            EXPECT_EQ(problem(plaintext), "");
        }
        for (const std::uint64_t value : {std::uint64_t{97}, std::uint64_t{1} << 50, ~std::uint64_t{0}}) {
            Plaintext plaintext(16, 97);
            plaintext[at] = value;
            expect_mentions(problem(plaintext),
                            {"encrypt: expected coefficients below the plaintext modulus 97",
                             "another at x^" + std::to_string(at) + ";"});
        }
        for (const std::int64_t value : {3, -3}) {
            Plaintext plaintext(16, binomial);
            plaintext[at] = word(value);
            EXPECT_EQ(problem(plaintext), "");
            plaintext[at] = word(value > 0 ? value + 1 : value - 1);
            expect_mentions(problem(plaintext),
                            {"within +-3, modulo x^4 - 5", "another at x^" + std::to_string(at) + ";"});
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
