// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/context.h>

#include <gmpxx.h>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/he/fv/binomial_fixture.h"
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

class PlaintextSpaceTest : public SchemeTest {};

TEST_P(PlaintextSpaceTest, MessagesAreRoundedByTheirThresholds) {
    const Ring& ring = scheme.context.ring();
    const PlaintextSpace& space = scheme.context.plain();
    std::mt19937_64 random(5);
    Plaintext message = random_plaintext(n, t, random);
    message[0] = 0;
    message[1] = t - 1;
    Buffer thresholds(n);
    for (std::size_t j = 0; j < n; ++j) {
        thresholds[j] = j % 3 == 0 ? 0 : j % 3 == 1 ? t - 1 : random() % t;
    }
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        const mpz_class q = ring.data().prefix(limbs).product();
        for (std::size_t i = 0; i < limbs; ++i) {
            Buffer found(n);
            space.add_scaled(ring, message.data(), limbs, i, found.data(), false, thresholds.data());
            for (std::size_t j = 0; j < n; ++j) {
                const mpz_class scaled = q * to_mpz(message[j]);
                const mpz_class whole = scaled / to_mpz(t);
                const mpz_class fraction = scaled - whole * to_mpz(t);
                const mpz_class expected = whole + (fraction > to_mpz(thresholds[j]) ? 1 : 0);
                ASSERT_EQ(found[j], residue(expected, ring.data().modulus(i))) << j;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Parameters, PlaintextSpaceTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

/// n Q has 146 bits, three helper primes; times |b| + 1 it has 156.
TEST(BinomialSpace, ProductsTakeAHelperPrimeMoreWhereTheBaseAsksForIt) {
    const Context context(binomial_parameters(1024, 4, 1000, {46, 45, 45}, {50}));
    EXPECT_EQ(context.ring().auxiliary_count(3), 3U);
    EXPECT_EQ(context.plain().auxiliary_count(3), 4U);
}

}  // namespace
}  // namespace lacuna::testing
