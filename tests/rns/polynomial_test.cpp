// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/polynomial.h>

#include <cstdint>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

TEST(RnsPolynomial, HoldsItsLimbsOneAfterAnother) {
    RnsPolynomial a(32, 3, Form::ntt);
    EXPECT_EQ(a.n(), 32U);
    EXPECT_EQ(a.limbs(), 3U);
    EXPECT_EQ(a.form(), Form::ntt);
    EXPECT_EQ(a.secrecy(), Secrecy::open);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.limb(0)) % 64, 0U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(a.limb(i), a.limb(0) + 32 * i);
        EXPECT_EQ(a.limb_span(i).size(), 32U);
        for (const std::uint64_t word : a.limb_span(i)) {
            EXPECT_EQ(word, 0U);
        }
    }
    a.set_form(Form::coefficient);
    EXPECT_EQ(a.form(), Form::coefficient);
    EXPECT_EQ(RnsPolynomial().n(), 0U);
    EXPECT_EQ(RnsPolynomial::uninitialised(16, 2, Form::ntt, Secrecy::secret).secrecy(), Secrecy::secret);
}

TEST(RnsPolynomial, ComparesShapeFormAndWords) {
    const RnsPolynomial a(16, 2, Form::ntt);
    RnsPolynomial b = a;
    EXPECT_EQ(a, b);
    b.limb(1)[15] = 1;
    EXPECT_NE(a, b);
    EXPECT_NE(a, RnsPolynomial(16, 2, Form::coefficient));
    EXPECT_NE(a, RnsPolynomial(16, 1, Form::ntt));
    EXPECT_NE(a, RnsPolynomial(32, 1, Form::ntt));  // as many words
    EXPECT_EQ(a, RnsPolynomial(16, 2, Form::ntt, Secrecy::secret));
}

/// Fewer limbs: as a copy and in place, the same words.
TEST(RnsPolynomial, LosesItsLastLimbs) {
    std::mt19937_64 random(1);
    const RnsBasis basis(32, primes_of(32, {50, 40, 30}));
    const RnsPolynomial a = random_polynomial(basis, Form::coefficient, random);
    for (std::size_t limbs = 1; limbs <= 3; ++limbs) {
        const RnsPolynomial first = a.first_limbs(limbs);
        EXPECT_EQ(first.limbs(), limbs);
        for (std::size_t i = 0; i < limbs; ++i) {
            EXPECT_TRUE(std::equal(first.limb(i), first.limb(i) + 32, a.limb(i)));
        }
        RnsPolynomial kept = a;
        const std::uint64_t* storage = kept.limb(0);
        kept.keep_limbs(limbs);
        EXPECT_EQ(kept, first);
        EXPECT_EQ(kept.limb(0), storage);
    }
    RnsPolynomial moved = a;
    EXPECT_THROW((void)moved.first_limbs(4), Error);
    EXPECT_THROW(moved.keep_limbs(4), Error);
    const RnsPolynomial target = std::move(moved);
    EXPECT_EQ(target, a);
}

}  // namespace
}  // namespace lacuna::testing
