// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/keys.h>

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/messages.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

TEST(Keys, RefuseForeignRings) {
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {257}));
    // Same shape, other primes; and another degree, where using the keys would read out of bounds.
    for (const Parameters& parameters :
         {small_parameters(64, {50, 49}, {50}, {257}), small_parameters(128, {50, 50}, {50}, {257})}) {
        const Scheme other(parameters);
        EXPECT_THROW(Encryptor(other.context, scheme.public_key), Error);
        EXPECT_THROW(Encryptor(other.context, scheme.generator.secret_key()), Error);
        EXPECT_THROW(Decryptor(other.context, scheme.generator.secret_key()), Error);
        EXPECT_THROW(KeyGenerator(other.context.shared_ring(), scheme.generator.secret_key()), Error);
        const RelinKeys relin = other.generator.relin_keys();
        const GaloisKeys galois = other.generator.galois_keys(std::vector<int>{1}, true);
        const Ciphertext x = scheme.encryptor.encrypt(constant_plaintext(64, 257, 3));
        const Evaluator& evaluator = scheme.evaluator;
        EXPECT_THROW((void)evaluator.relinearize(evaluator.square(x), relin), Error);
        EXPECT_THROW((void)evaluator.rotate_rows(x, 1, galois), Error);
        EXPECT_THROW((void)evaluator.rotate_columns(x, galois), Error);
        const PreparedPlaintext prepared = evaluator.prepare_for_rotations(constant_plaintext(64, 257, 3), 2);
        const std::vector<Evaluator::RotatedTerm> terms = {{1, &prepared}};
        EXPECT_THROW((void)evaluator.sum_of_rotated_products(x, terms, galois), Error);
        const Ciphertext foreign = other.encryptor.encrypt(constant_plaintext(other.context.n(), 257, 3));
        EXPECT_THROW((void)evaluator.negate(foreign), Error);
        EXPECT_THROW((void)scheme.decryptor.decrypt(foreign), Error);
        EXPECT_THROW((void)scheme.decryptor.noise_budget(foreign), Error);
        EXPECT_THROW((void)expand(other.context.ring(),
                                  scheme.encryptor.encrypt_seeded(constant_plaintext(64, 257, 1))),
                     Error);
    }
}

TEST(Keys, MissingOnesAndMissingSpecialPrimesAreNamed) {
    const Scheme scheme(small_parameters(64, {50}, {}, {257}));
    expect_mentions(message_of([&] { (void)scheme.generator.relin_keys(); }), {"add special_bits"});
    expect_mentions(message_of([&] { (void)scheme.generator.galois_keys(std::vector<int>{1}); }),
                    {"add special_bits"});
    const Scheme with(small_parameters(64, {50}, {50}, {257}));
    const GaloisKeys keys = with.generator.galois_keys(std::vector<int>{1, 1, 0});
    EXPECT_EQ(keys.entries.size(), 1u);  // a step of 0 needs none
    expect_mentions(message_of([&] { (void)keys.at(rotation_element(64, 2)); }), {"element 9", "is missing"});
    EXPECT_THROW((void)rotation_element(64, 32), Error);
    EXPECT_THROW((void)rotation_element(64, -32), Error);
    EXPECT_EQ(rotation_element(64, -1) * 3 % 128, 1u);
}

TEST(Keys, SeededPartsExpandToWhatWasGenerated) {
    const Scheme scheme(small_parameters(64, {50, 45, 40}, {50, 49}, {257}, 2));
    PublicKey public_key = scheme.public_key;
    const RnsPolynomial a = public_key.a;
    public_key.a = RnsPolynomial();
    expand(scheme.context.ring(), public_key);
    EXPECT_EQ(public_key.a, a);
    RelinKeys relin = scheme.generator.relin_keys(2);
    ASSERT_EQ(relin.key.digits.size(), 2u);
    std::vector<RnsPolynomial> parts;
    for (KeySwitchKey::Digit& digit : relin.key.digits) {
        parts.push_back(std::move(digit.a));
    }
    EXPECT_NE(parts[0], parts[1]);
    expand(scheme.context.ring(), relin.key);
    EXPECT_EQ(relin.key.digits[0].a, parts[0]);
    EXPECT_EQ(relin.key.digits[1].a, parts[1]);
}

TEST(RotationElements, AddUpAndAreDistinct) {
    for (const std::size_t n : {16, 32, 64}) {
        const int row = static_cast<int>(n / 2);
        std::set<std::uint32_t> seen = {row_swap_element(n)};
        for (int a = 0; a < row; ++a) {
            EXPECT_TRUE(seen.insert(rotation_element(n, a)).second) << a;
            if (a > 0) {
                EXPECT_EQ(rotation_element(n, a - row), rotation_element(n, a)) << a;
            }
            for (int b = 0; b < row; ++b) {
                ASSERT_EQ(std::uint64_t{rotation_element(n, a)} * rotation_element(n, b) % (2 * n),
                          rotation_element(n, (a + b) % row));
            }
        }
    }
    EXPECT_EQ(row_swap_element(16), 31U);
}

}  // namespace
}  // namespace lacuna::testing
