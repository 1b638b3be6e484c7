// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/flooding.h>

#include <cmath>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/he/fv/binomial_fixture.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

constexpr std::uint64_t integer_t = 12289;

Parameters ring_of(std::size_t n, std::vector<int> data) {
    return small_parameters(n, std::move(data), {50}, {integer_t, 17});
}

/// Noise up to Q / (2 t) decrypts, and not a bit more: that is where the limit of three times 2^bits lies, at
/// every level.
TEST(Flooding, LeavesRoomForTheMessage) {
    const Scheme scheme(ring_of(1024, {50, 50, 40}));
    const Plaintext zero(1024, integer_t);
    for (std::size_t limbs = 1; limbs <= 3; ++limbs) {
        const double room = scheme.context.ring().log_q(limbs) - 1 -
                            std::log2(static_cast<double>(3 * integer_t));  // log2(Q / 6t)
        const int most = static_cast<int>(std::floor(room));
        const Ciphertext a = scheme.public_encryptor.encrypt_zero(integer_t, limbs);
        EXPECT_NO_THROW((void)flood(scheme.context, scheme.public_encryptor, a, most)) << limbs;
        EXPECT_EQ(scheme.decryptor.decrypt(flood(scheme.context, scheme.public_encryptor, a, most - 1)),
                  zero);
        for (const int bits : {0, -1, most + 1, 200, max_flood_bits, max_flood_bits + 1}) {
            EXPECT_THROW((void)flood(scheme.context, scheme.public_encryptor, a, bits), Error) << bits;
        }
    }
}

TEST(Flooding, RefusesOtherRingsAndParts) {
    const Scheme scheme(ring_of(64, {50, 50}));
    const Ciphertext a = scheme.public_encryptor.encrypt_zero(integer_t, 2);
    EXPECT_NO_THROW((void)flood(scheme.context, scheme.public_encryptor, a, 20));
    for (const Parameters& parameters :
         {ring_of(128, {50, 50}), ring_of(64, {50, 49}), ring_of(64, {50, 50, 50})}) {
        const Scheme other(parameters);
        const Ciphertext b = other.public_encryptor.encrypt_zero(integer_t, 2);
        EXPECT_THROW((void)flood(scheme.context, other.public_encryptor, a, 20), Error);
        EXPECT_THROW((void)flood(scheme.context, scheme.public_encryptor, b, 20), Error);
        EXPECT_THROW((void)flood(other.context, scheme.public_encryptor, a, 20), Error);
    }
    Ciphertext mixed = a;
    mixed.parts[1] = RnsPolynomial(16, 2, Form::coefficient);
    EXPECT_THROW((void)flood(scheme.context, scheme.public_encryptor, mixed, 20), Error);
    EXPECT_THROW((void)flood(scheme.context, scheme.public_encryptor, scheme.evaluator.to_ntt(a), 20), Error);
    EXPECT_THROW((void)flood(scheme.context, scheme.encryptor, a, 20), Error);  // without the public key
}

class BinomialFloodingTest : public BinomialTest {};

INSTANTIATE_TEST_SUITE_P(Settings, BinomialFloodingTest,
                         ::testing::Range(std::size_t{0}, binomial_settings().size()), binomial_setting_name);

TEST_P(BinomialFloodingTest, FloodedAndSwitchedCiphertextsKeepTheirMessage) {
    const Ciphertext product =
        scheme.evaluator.relinearize(scheme.evaluator.multiply(encrypted_a, encrypted_b), relin);
    const BinomialRing::Element expected = ring.multiply(value_a, value_b);
    const int bits = static_cast<int>(scheme.context.ring().log_q(product.limbs()) - t.log_bound() - 6);
    EXPECT_EQ(decrypt(flood(scheme.context, scheme.public_encryptor, product, bits)), expected);
    EXPECT_EQ(decrypt(scheme.evaluator.mod_switch(product)), expected);
}

}  // namespace
}  // namespace lacuna::testing
