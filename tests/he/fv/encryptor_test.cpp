// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/encryptor.h>

#include <gmpxx.h>
#include <random>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sampler.h>
#include "tests/he/fv/binomial_fixture.h"
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/big_polynomial.h"

namespace lacuna::testing {
namespace {

class EncryptorTest : public SchemeTest {};
class BinomialEncryptorTest : public BinomialTest {};

TEST_P(EncryptorTest, EncryptionRoundTripsAndExtremesToo) {
    EXPECT_EQ(decrypt(encrypted_a), a);
    EXPECT_EQ(decrypt(encrypted_b), b);
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, t / 2, t / 2 + 1, t - 1}) {
        const Plaintext constant = constant_plaintext(n, t, value % t);
        EXPECT_EQ(decrypt(scheme.encryptor.encrypt(constant)), constant);
        EXPECT_EQ(decrypt(scheme.public_encryptor.encrypt(constant)), constant);
        EXPECT_EQ(decrypt(expand(scheme.context.ring(), scheme.encryptor.encrypt_seeded(constant))),
                  constant);
    }
}

TEST_P(BinomialEncryptorTest, EncryptionRoundTripsAndExtremesToo) {
    EXPECT_EQ(decrypt(encrypted_a), value_a);
    EXPECT_EQ(decrypt(encrypted_b), value_b);
    for (const bool negative : {false, true}) {
        const Plaintext extreme = ring.extreme(negative);
        EXPECT_EQ(decrypt(scheme.encryptor.encrypt(extreme)), ring.element(extreme));
        EXPECT_EQ(decrypt(scheme.public_encryptor.encrypt(extreme)), ring.element(extreme));
    }
    EXPECT_EQ(decrypt(scheme.encryptor.encrypt(Plaintext(n, t))), BinomialRing::Element(t.power()));
    Plaintext wrong = a;
    wrong[n - 1] = static_cast<std::uint64_t>(-t.coefficient_bound() - 1);
    EXPECT_THROW((void)scheme.encryptor.encrypt(wrong), Error);
}

INSTANTIATE_TEST_SUITE_P(Parameters, EncryptorTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

INSTANTIATE_TEST_SUITE_P(Settings, BinomialEncryptorTest,
                         ::testing::Range(std::size_t{0}, binomial_settings().size()), binomial_setting_name);

TEST(Encryptor, NothingIsDrawnTwice) {
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {257, 97}));
    const Scheme again(small_parameters(64, {50, 50}, {50}, {257, 97}));
    EXPECT_NE(scheme.generator.secret_key().s, again.generator.secret_key().s);
    EXPECT_NE(scheme.public_key.seed, scheme.generator.public_key().seed);
    EXPECT_NE(scheme.generator.relin_keys().key.seed, scheme.generator.relin_keys().key.seed);
    // One message modulo two t: neither seed nor error is shared.
    const SeededCiphertext first = scheme.encryptor.encrypt_seeded(Plaintext(64, 257));
    const SeededCiphertext second = scheme.encryptor.encrypt_seeded(Plaintext(64, 97));
    EXPECT_NE(first.seed, second.seed);
    EXPECT_NE(first.c0, second.c0);
    EXPECT_NE(scheme.public_encryptor.encrypt(Plaintext(64, 257)).parts[1],
              scheme.public_encryptor.encrypt(Plaintext(64, 257)).parts[1]);
}

TEST(Encryptor, PublicEncryptionsOfZeroRerandomiseAtEveryLevel) {
    const Scheme scheme(small_parameters(64, {50, 45, 40}, {50}, {257}));
    const Plaintext message = constant_plaintext(64, 257, 128);
    for (std::size_t limbs = 3; limbs >= 1; --limbs) {
        const Ciphertext x = scheme.evaluator.mod_switch_to(scheme.encryptor.encrypt(message), limbs);
        const Ciphertext zero = scheme.public_encryptor.encrypt_zero(257, limbs);
        EXPECT_EQ(scheme.decryptor.decrypt(zero), Plaintext(64, 257));
        EXPECT_EQ(scheme.decryptor.decrypt(scheme.evaluator.add(x, zero)), message);
    }
    EXPECT_THROW((void)scheme.public_encryptor.encrypt_zero(257, 4), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt_zero(97, 1), Error);
    EXPECT_THROW((void)scheme.encryptor.encrypt_zero(257, 1), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt_seeded(message), Error);
    Plaintext broken = message;
    broken[5] = 257;
    EXPECT_THROW((void)scheme.encryptor.encrypt(broken), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt(Plaintext(32, 257)), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt(Plaintext(64, 97)), Error);
}

/// The noise of a fresh encryption, in integers: an error and a rounding, or what the public key adds to it.
TEST_P(EncryptorTest, NoiseIsWhatIsDrawn) {
    const Ring& ring = scheme.context.ring();
    const BigPolynomial secret = secret_of(ring, scheme.generator.secret_key());
    const mpz_class q = ring.data().product();
    const auto largest_noise = [&](const Ciphertext& x, const Plaintext& message) {
        BigPolynomial noise = sum_of(integers_of(ring.data(), x.parts[0]),
                                     product_of(integers_of(ring.data(), x.parts[1]), secret));
        noise = scaled(noise, to_mpz(t));
        for (std::size_t j = 0; j < n; ++j) {
            noise[j] -= q * to_mpz(message[j]);
        }
        return largest_of(centred_modulo(noise, mpz_class(q * to_mpz(t))));
    };
    EXPECT_LE(largest_noise(encrypted_a, a), to_mpz(t) * (error_bound + 1));
    EXPECT_GT(largest_noise(encrypted_a, a), to_mpz(t));
    // (b, a) u + (e_0, e_1), over P: |e u| + |e_1 s| + |e_0|, and the roundings of both parts.
    const mpz_class masked = error_bound * (2 * to_mpz(n) + 1) / ring.special().product() + to_mpz(n) + 3;
    EXPECT_LE(largest_noise(encrypted_b, b), to_mpz(t) * masked);
    EXPECT_GT(largest_noise(encrypted_b, b), 0);
}

}  // namespace
}  // namespace lacuna::testing
