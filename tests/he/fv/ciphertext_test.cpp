// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/ciphertext.h>

#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/sampler.h>
#include "tests/he/fv/scheme_fixture.h"

namespace lacuna::testing {
namespace {

class CiphertextTest : public SchemeTest {};

INSTANTIATE_TEST_SUITE_P(Parameters, CiphertextTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

TEST_P(CiphertextTest, SeedsExpandByTheRuleOfFiles) {
    const Ring& ring = scheme.context.ring();
    const SeededCiphertext seeded = scheme.encryptor.encrypt_seeded(a);
    const Ciphertext expanded = expand(ring, seeded);
    RnsPolynomial mask(n, ring.max_limbs(), Form::coefficient);
    sample_uniform(ring.data(), seeded.seed, 0, mask);
    ASSERT_EQ(expanded.size(), 2U);
    EXPECT_EQ(expanded.parts[0], seeded.c0);
    EXPECT_EQ(expanded.parts[1], mask);
    EXPECT_EQ(expanded.ring, ring.hash());
    EXPECT_EQ(expanded.t, scheme.context.plain().t());
    EXPECT_EQ(decrypt(expanded), a);
    SeededCiphertext foreign = seeded;
    foreign.ring[3] ^= 1;
    EXPECT_THROW((void)expand(ring, foreign), Error);
}

TEST_P(CiphertextTest, TellsItsShape) {
    const std::size_t limbs = scheme.context.ring().max_limbs();
    Ciphertext x = encrypted_a;
    EXPECT_EQ(x.size(), 2U);
    EXPECT_EQ(x.n(), n);
    EXPECT_EQ(x.limbs(), limbs);
    EXPECT_EQ(x.form(), Form::coefficient);
    EXPECT_TRUE(x.has_shape(n, limbs, Form::coefficient));
    EXPECT_FALSE(x.has_shape(2 * n, limbs, Form::coefficient));
    EXPECT_FALSE(x.has_shape(n, limbs - 1, Form::coefficient));
    EXPECT_FALSE(x.has_shape(n, limbs, Form::ntt));
    x.parts[1].keep_limbs(limbs - 1);  // one part that differs is enough
    EXPECT_FALSE(x.has_shape(n, limbs, Form::coefficient));
    EXPECT_NE(x, encrypted_a);
    EXPECT_EQ(Ciphertext().limbs(), 0U);
    EXPECT_EQ(Ciphertext().n(), 0U);
}

}  // namespace
}  // namespace lacuna::testing
