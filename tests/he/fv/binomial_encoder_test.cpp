// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/binomial_encoder.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/rotation.h>
#include <lacuna/ntt/error.h>
#include "tests/he/fv/binomial_fixture.h"
#include "tests/support/residues.h"
#include "tests/support/slot_settings.h"

namespace lacuna::testing {
namespace {

TEST(BinomialEncoder, RoundTripsExtremesInSmallCoefficients) {
    std::mt19937_64 random(5);
    for (const auto& [n, k, b] : slot_settings()) {
        SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(PlainModulus::binomial(k, b)));
        const Context context(binomial_parameters(n, k, b, {50}, {}));
        const BinomialEncoder encoder(context);
        ASSERT_EQ(encoder.slots(), k);
        const mpz_class& p = encoder.modulus();
        std::vector<mpz_class> values = {p - 1, p / 2, p / 2 + 1, 0, 1, -1, p, -p / 2};
        values.resize(std::min<std::size_t>(values.size(), k));
        while (values.size() < k) {
            values.push_back(random_below(p, random));
        }
        for (const mpz_class& first : {mpz_class(p / 2), mpz_class(p - 1), mpz_class(5)}) {
            values[0] = first;
            const Plaintext plaintext = encoder.encode(values);
            const std::vector<mpz_class> decoded = encoder.decode(plaintext);
            for (std::size_t j = 0; j < k; ++j) {
                ASSERT_EQ(decoded[j], centred(values[j], p)) << j;
            }
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_LE(std::abs(plaintext.centred(i)), plaintext.t().coefficient_bound());
            }
        }
        std::vector<std::int64_t> words = {1, -1, 12345, -54321};
        words.resize(k);
        std::vector<std::int64_t> most = {std::numeric_limits<std::int64_t>::max(),
                                          std::numeric_limits<std::int64_t>::min()};
        most.resize(std::min<std::size_t>(2, k));
        const std::vector<std::int64_t> decoded_words = encoder.decode_words(encoder.encode(words));
        const std::vector<mpz_class> decoded_most = encoder.decode(encoder.encode(most));
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(decoded_words[j], centred(mpz_class(static_cast<long>(words[j])), p)) << j;
            ASSERT_EQ(decoded_most[j],
                      j < 2 ? centred(mpz_class(static_cast<long>(most[j])), p) : mpz_class(0));
        }
        std::vector<std::int64_t> more(k + 1);
        EXPECT_THROW((void)encoder.encode(more), Error);
        EXPECT_THROW((void)encoder.decode(Plaintext(n, 97)), Error);
    }
}

TEST(BinomialEncoder, SlotsAreValuesAtTheSmallestRootAndItsRotations) {
    std::mt19937_64 random(6);
    for (const auto& [n, k, b] : slot_settings()) {
        if (k > 64 || k == 1) {
            continue;
        }
        SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(PlainModulus::binomial(k, b)));
        const PlainModulus t = PlainModulus::binomial(k, b);
        const Context context(binomial_parameters(n, k, b, {50}, {}));
        const BinomialEncoder encoder(context);
        const BinomialRing ring(n, t);
        const mpz_class& p = encoder.modulus();
        // x itself is zeta in slot 0.
        Plaintext x(n, t);
        x[1] = 1;
        const mpz_class zeta = encoder.decode(x)[0];
        mpz_class power;
        mpz_powm_ui(power.get_mpz_t(), zeta.get_mpz_t(), k, p.get_mpz_t());
        EXPECT_EQ(centred(power, p), b);
        for (const mpz_class& other : encoder.decode(x)) {
            EXPECT_LE((zeta % p + p) % p, (other % p + p) % p);
        }
        const Plaintext plaintext = ring.random_plaintext(random);
        const std::vector<mpz_class> slots = encoder.decode(plaintext);
        std::uint64_t exponent = 1;
        for (std::size_t j = 0; j < k; ++j) {
            mpz_class at;
            mpz_powm_ui(at.get_mpz_t(), zeta.get_mpz_t(), exponent, p.get_mpz_t());
            mpz_class value = 0;
            for (std::size_t i = n; i-- > 0;) {
                value = (value * at + static_cast<long>(plaintext.centred(i))) % p;
            }
            EXPECT_EQ(slots[j], centred(value, p)) << j;
            exponent = exponent * (1 + 2 * n / k) % (2 * n);
        }
    }
}

TEST(BinomialEncoder, ConstantsFillEverySlot) {
    for (const auto& [n, k, b] : slot_settings()) {
        const Context context(binomial_parameters(n, k, b, {50}, {}));
        const BinomialEncoder encoder(context);
        for (const mpz_class& value : {mpz_class(7), mpz_class(-7), mpz_class(encoder.modulus() / 3)}) {
            for (const mpz_class& slot : encoder.decode(encoder.encode_constant(value))) {
                ASSERT_EQ(slot, centred(value, encoder.modulus()));
            }
        }
    }
}

TEST(BinomialEncoder, RefusesModuliWithoutSlots) {
    const auto message_of = [](const Parameters& parameters) -> std::string {
        try {
            const Context context(parameters);
            (void)BinomialEncoder(context);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_NE(message_of(small_parameters(16, {50}, {}, {97})).find("the integer 97"), std::string::npos);
    EXPECT_NE(message_of(binomial_parameters(64, 8, 3, {50}, {})).find("x^8 - 3"), std::string::npos);
    EXPECT_NE(message_of(binomial_parameters(4096, 2, 2, {50}, {})).find("2049 bits"), std::string::npos);
}

/// Encrypted slots: multiplied, rotated, at the degrees of the packed layout and beyond.
TEST(BinomialSlots, MultiplyAndRotateOneByOne) {
    std::mt19937_64 random(8);
    for (const auto& [n, k, b] : slot_settings()) {
        SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(PlainModulus::binomial(k, b)));
        Parameters parameters = binomial_parameters(n, k, b, {50, 50, 50}, {50});
        const Scheme scheme(parameters);
        const PlainModulus t = scheme.context.plain().t();
        const BinomialEncoder encoder(scheme.context);
        const mpz_class& p = encoder.modulus();
        std::vector<mpz_class> x(k);
        std::vector<mpz_class> y(k);
        for (std::size_t j = 0; j < k; ++j) {
            x[j] = random_below(p, random);
            y[j] = random_below(p, random);
        }
        const Plaintext plain_y = encoder.encode(y);
        const Ciphertext cx = scheme.encryptor.encrypt(encoder.encode(x));
        const Ciphertext cy = scheme.public_encryptor.encrypt(plain_y);
        const auto slots = [&](const Ciphertext& c) { return encoder.decode(scheme.decryptor.decrypt(c)); };
        const std::vector<mpz_class> product = slots(scheme.evaluator.multiply(cx, cy));
        const std::vector<mpz_class> plain_product = slots(scheme.evaluator.multiply_plain(cx, plain_y));
        const std::vector<mpz_class> square = slots(scheme.evaluator.square_unscaled(cx));
        const mpz_class q = scheme.context.ring().data().product();
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(product[j], centred(x[j] * y[j], p)) << j;
            ASSERT_EQ(plain_product[j], centred(x[j] * y[j], p)) << j;
            ASSERT_EQ(square[j], centred(-q * x[j] * x[j], p)) << j;
        }
        if (k > 1) {
            const int step =
                static_cast<int>(k / 2) + 1 < static_cast<int>(k) ? static_cast<int>(k / 2) + 1 : 1;
            const std::vector<int> steps = {step, -1};
            const GaloisKeys keys =
                scheme.generator.galois_keys_for(rotation_elements(scheme.context.n(), t, steps));
            for (const int by : steps) {
                const std::vector<mpz_class> turned = slots(scheme.evaluator.rotate_rows(cx, by, keys));
                for (std::size_t j = 0; j < k; ++j) {
                    const std::size_t from = (j + k + static_cast<std::size_t>(by)) % k;
                    ASSERT_EQ(turned[j], centred(x[from], p)) << by << " " << j;
                }
            }
        }
    }
}

// ---- the prototype

}  // namespace
}  // namespace lacuna::testing
