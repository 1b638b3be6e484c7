// SPDX-License-Identifier: Apache-2.0
//
// Modular arithmetic against 128-bit remainders and NTL.
#include <lacuna/ntt/modulus.h>

#include <algorithm>
#include <random>
#include <vector>

#include <NTL/ZZ.h>
#include <NTL/ZZ_p.h>
#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

using Word = std::uint64_t;

constexpr Word largest = (Word{1} << 50) - 1;

const std::vector<Word>& values() {
    static const std::vector<Word> values = {2,
                                             3,
                                             4,
                                             5,
                                             257,
                                             65536,
                                             65537,
                                             1032193,
                                             (Word{1} << 32) - 5,
                                             Word{1} << 32,
                                             562949953421473,
                                             Word{1} << 49,
                                             1125899906842597,
                                             largest};
    return values;
}

/// Words near every place where a reduction can go wrong, and random ones.
std::vector<Word> words(Word q, std::mt19937_64& engine) {
    std::vector<Word> words = {
        0, 1, q - 1, q, q + 1, 2 * q - 1, 2 * q, ~Word{0}, ~Word{0} / q * q, ~Word{0} / q * q - 1};
    for (int i = 0; i < 200; ++i) {
        words.push_back(engine());
        words.push_back(engine() >> (engine() % 64));
    }
    return words;
}

NTL::ZZ big(Word x) {
    return NTL::conv<NTL::ZZ>(static_cast<unsigned long>(x));
}

TEST(Modulus, RefusesValuesOutOfRange) {
    EXPECT_THROW(Modulus(0), Error);
    EXPECT_THROW(Modulus(1), Error);
    EXPECT_THROW(Modulus(Word{1} << 50), Error);
    EXPECT_THROW(Modulus(~Word{0}), Error);
    EXPECT_NO_THROW(Modulus(2));
    EXPECT_NO_THROW(Modulus{largest});
}

TEST(Modulus, DescribesItself) {
    for (const Word value : values()) {
        const Modulus q(value);
        EXPECT_EQ(q.value(), value);
        EXPECT_GE(value, Word{1} << (q.bits() - 1));
        EXPECT_LT(value, Word{1} << q.bits());
        EXPECT_EQ(q.ratio(), static_cast<Word>((~uint128_t{0} / value) >> 64));
        EXPECT_EQ(q, Modulus(value));
        EXPECT_FALSE(q == Modulus(value == 2 ? 3 : 2));
    }
}

TEST(Modulus, ReducesOneWord) {
    std::mt19937_64 engine(1);
    for (const Word value : values()) {
        const Modulus q(value);
        for (const Word x : words(value, engine)) {
            ASSERT_EQ(q.reduce(x), x % value) << x << " mod " << value;
            const auto signed_x = static_cast<std::int64_t>(x);
            const Word negative = signed_x < 0 ? (Word{0} - x) % value : 0;
            ASSERT_EQ(q.reduce_signed(signed_x), signed_x >= 0   ? x % value
                                                 : negative == 0 ? 0
                                                                 : value - negative);
        }
    }
}

TEST(Modulus, ReducesTwoWords) {
    std::mt19937_64 engine(2);
    for (const Word value : values()) {
        const Modulus q(value);
        for (const Word high : words(value, engine)) {
            for (const Word low : {Word{0}, Word{1}, ~Word{0}, value - 1, Word{engine()}}) {
                const uint128_t x = (uint128_t{high} << 64) | low;
                ASSERT_EQ(q.reduce(x), static_cast<Word>(x % value))
                    << high << " 2^64 + " << low << " mod " << value;
            }
        }
    }
}

TEST(Modulus, AgreesWithNtl) {
    std::mt19937_64 engine(3);
    for (const Word value : values()) {
        const Modulus q(value);
        NTL::ZZ_pPush push(big(value));
        for (int i = 0; i < 300; ++i) {
            const Word a = i == 0 ? value - 1 : i == 1 ? 0 : engine() % value;
            const Word b = i <= 1 ? value - 1 : engine() % value;
            const NTL::ZZ_p x = NTL::conv<NTL::ZZ_p>(big(a));
            const NTL::ZZ_p y = NTL::conv<NTL::ZZ_p>(big(b));
            ASSERT_EQ(big(q.add(a, b)), NTL::rep(x + y));
            ASSERT_EQ(big(q.subtract(a, b)), NTL::rep(x - y));
            ASSERT_EQ(big(q.negate(a)), NTL::rep(-x));
            ASSERT_EQ(big(q.multiply(a, b)), NTL::rep(x * y));
            ASSERT_EQ(big(q.power(a, b)), NTL::rep(NTL::power(x, big(b))));
            const ShoupFactor factor(a, q);
            const Word any = engine();
            ASSERT_EQ(big(factor.multiply(any, value)), NTL::rep(x * NTL::conv<NTL::ZZ_p>(big(any))));
            ASSERT_LT(factor.multiply_lazy(any, value), 2 * value);
            if (NTL::GCD(big(a), big(value)) == 1) {
                ASSERT_EQ(q.multiply(q.inverse(a), a), Word{1});
            } else {
                ASSERT_THROW((void)q.inverse(a), Error);
            }
        }
    }
}

TEST(Modulus, Centres) {
    for (const Word value : values()) {
        const Modulus q(value);
        for (const Word a : {Word{0}, Word{1}, value / 2, value - 1}) {
            const std::int64_t centred = q.centre(a % value);
            EXPECT_LE(centred, static_cast<std::int64_t>(value / 2));
            EXPECT_GT(2 * centred, -static_cast<std::int64_t>(value));
            EXPECT_EQ(q.reduce_signed(centred), a % value);
        }
    }
}

}  // namespace

}  // namespace lacuna
