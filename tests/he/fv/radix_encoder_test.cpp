// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/radix_encoder.h>

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

mpz_class power_of_two(std::size_t exponent) {
    return mpz_class(1) << exponent;
}

std::size_t terms_of(const Plaintext& plaintext) {
    std::size_t terms = 0;
    for (std::size_t j = 0; j < plaintext.n(); ++j) {
        terms += plaintext[j] != 0 ? 1 : 0;
    }
    return terms;
}

Plaintext monomial(std::size_t n, std::uint64_t t, std::size_t exponent) {
    Plaintext result(n, t);
    result[exponent % n] = exponent % (2 * n) < n ? 1 : t - 1;
    return result;
}

TEST(RadixEncoder, PowersOfTwoAreMonomials) {
    const std::size_t n = 64;
    const std::uint64_t t = 1 << 20;
    const Context context(small_parameters(n, {50}, {}, {t}));
    for (const std::size_t fraction_bits : {std::size_t{0}, std::size_t{8}, std::size_t{63}}) {
        const RadixEncoder encoder(context, 0, fraction_bits);
        for (std::size_t k = 0; k < n - fraction_bits; ++k) {
            EXPECT_EQ(encoder.encode(power_of_two(k)), monomial(n, t, k));
            EXPECT_EQ(encoder.encode(mpz_class(-power_of_two(k))), monomial(n, t, k + n));
        }
        for (std::size_t k = 1; k <= fraction_bits; ++k) {  // 2^-k = x^-k = -x^(n-k)
            EXPECT_EQ(encoder.encode(std::ldexp(1.0, -static_cast<int>(k))), monomial(n, t, 2 * n - k));
            EXPECT_EQ(encoder.encode(-std::ldexp(1.0, -static_cast<int>(k))), monomial(n, t, n - k));
        }
    }
}

TEST(RadixEncoder, RoundTripsIntegersUpToTheLastCoefficient) {
    std::mt19937_64 random(2);
    const std::size_t n = 128;
    const Context context(small_parameters(n, {50}, {}, {3, 1 << 20}));
    for (const std::size_t index : {0, 1}) {
        for (const std::size_t fraction_bits : {std::size_t{0}, std::size_t{20}}) {
            const RadixEncoder encoder(context, index, fraction_bits);
            const std::size_t bits = n - fraction_bits;
            std::vector<mpz_class> values = {0, 1, -1, 7, -7, power_of_two(bits) - 1, 1 - power_of_two(bits)};
            for (int i = 0; i < 40; ++i) {
                mpz_class value = to_mpz(random());
                value = (value << static_cast<unsigned>(random() % (bits - 64))) + to_mpz(random() % 1000);
                values.push_back(i % 2 == 0 ? value : mpz_class(-value));
            }
            for (const mpz_class& value : values) {
                EXPECT_EQ(encoder.decode(encoder.encode(value)), value);
                EXPECT_EQ(terms_of(encoder.encode(value)), mpz_popcount(mpz_class(abs(value)).get_mpz_t()));
            }
            EXPECT_EQ(encoder.encode(mpz_class(0)), Plaintext(n, context.plain(index).modulus().value()));
            EXPECT_THROW((void)encoder.encode(power_of_two(bits)), Error);
            EXPECT_THROW((void)encoder.encode(mpz_class(-power_of_two(bits))), Error);
            EXPECT_THROW((void)encoder.encode(std::ldexp(1.0, static_cast<int>(bits))), Error);
        }
    }
}

TEST(RadixEncoder, RoundTripsFractionsAndRoundsTowardsZero) {
    const std::size_t n = 256;
    const Context context(small_parameters(n, {50}, {}, {1 << 20}));
    const RadixEncoder encoder(context, 0, 12);
    for (const double value : {0.0, 0.5, -0.5, 1.0, -1.0, 0.75, -2.625, 1234.0625, -1234.000244140625,
                               std::ldexp(1.0, 200), -std::ldexp(3.0, -12)}) {
        EXPECT_EQ(encoder.decode_fixed(encoder.encode(value)), value);
        EXPECT_EQ(encoder.decode(encoder.encode(value)), mpz_class(std::floor(value)));
    }
    EXPECT_EQ(encoder.decode_fixed(encoder.encode(0.1)), std::trunc(0.1 * 4096) / 4096);
    EXPECT_EQ(encoder.decode_fixed(encoder.encode(-0.1)), -std::trunc(0.1 * 4096) / 4096);
    EXPECT_EQ(encoder.encode(std::ldexp(1.0, -13)), Plaintext(n, 1 << 20));
    EXPECT_EQ(encoder.encode(std::numeric_limits<double>::denorm_min()), Plaintext(n, 1 << 20));
    for (const double bad :
         {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
          std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::max()}) {
        EXPECT_THROW((void)encoder.encode(bad), Error);
    }
    EXPECT_THROW(RadixEncoder(context, 0, n), Error);
    EXPECT_THROW(RadixEncoder(context, 1), Error);
    EXPECT_THROW((void)encoder.decode(Plaintext(n / 2, 1 << 20)), Error);
    EXPECT_THROW((void)encoder.decode_fixed(Plaintext(n, 7)), Error);
}

TEST(RadixEncoder, SumsAndProductsOfNumbersAreThoseOfPolynomials) {
    const std::size_t n = 64;
    const Context context(small_parameters(n, {50}, {}, {std::uint64_t{1} << 30}));
    const RadixEncoder encoder(context, 0, 16);
    const std::vector<double> values = {0.0, 1.5, -1.5, 100.25, -77.125, 0.0625, -255.9375};
    for (const double a : values) {
        for (const double b : values) {
            const Plaintext x = encoder.encode(a);
            const Plaintext y = encoder.encode(b);
            EXPECT_EQ(encoder.decode_fixed(ring_add(x, y)), a + b);
            EXPECT_EQ(encoder.decode_fixed(ring_multiply(x, y)), a * b);
        }
    }
}

TEST(RadixEncoder, MonomialsMultiplyEncryptedNumbersByPowersOfTwoNegativeOnesToo) {
    const std::size_t n = 64;
    const Scheme scheme(small_parameters(n, {50, 50}, {50}, {std::uint64_t{1} << 20}));
    const RadixEncoder encoder(scheme.context, 0, 24);
    for (const double value : {3.0, -3.0, 0.375, -1000.5}) {
        const Ciphertext x = scheme.encryptor.encrypt(encoder.encode(value));
        for (int k = -16; k <= 16; ++k) {
            // x^-k = -x^(n-k): the exponent 2n + k for k < 0.
            const std::size_t exponent = (2 * n + static_cast<std::size_t>(k)) % (2 * n);
            for (const std::int64_t sign : {1, -1}) {
                const Ciphertext y = scheme.evaluator.multiply_monomial(x, {sign, exponent});
                EXPECT_EQ(encoder.decode_fixed(scheme.decryptor.decrypt(y)),
                          static_cast<double>(sign) * std::ldexp(value, k));
            }
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
