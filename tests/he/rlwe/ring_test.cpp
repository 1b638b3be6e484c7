// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/ring.h>

#include <gmpxx.h>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/ntt/error.h>
#include "tests/support/residues.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

TEST(Ring, HashLeavesOutPlainModuliAndNothingElse) {
    const auto hash = [](const Parameters& parameters) { return Context(parameters).ring().hash(); };
    const Parameters base = small_parameters(64, {33, 30}, {50}, {257});
    Parameters other = base;
    other.plain_moduli = {12289, 2};
    EXPECT_EQ(hash(base), hash(other));
    EXPECT_EQ(hash(base), hash(resolve(base)));
    other = base;
    other.n = 128;
    EXPECT_NE(hash(base), hash(other));
    other = base;
    other.data_bits = {30, 33};
    EXPECT_NE(hash(base), hash(other));
    other = base;
    other.special_bits = {49};
    EXPECT_NE(hash(base), hash(other));
    other = base;
    other.digit_limbs = 2;
    EXPECT_NE(hash(base), hash(other));
    // The same primes, dealt out in another way.
    Parameters moved = resolve(base);
    moved.data_primes.push_back(moved.special_primes.front());
    moved.special_primes.clear();
    EXPECT_NE(hash(base), hash(moved));
    EXPECT_EQ(hash(base), Ring(base).hash());  // a Ring resolves by itself
}

/// Whoever makes a Ring by hand passes the same checks as a Context does.
TEST(Ring, ValidatesItsParameters) {
    Parameters parameters;
    parameters.n = 1024;
    parameters.data_bits = {50, 50};
    EXPECT_THROW((void)Ring(parameters), Error);
    EXPECT_THROW((void)Ring(resolve(parameters)), Error);
    parameters.allow_insecure = true;
    const Parameters resolved = resolve(parameters);
    EXPECT_EQ(Ring(parameters).hash(), Ring(resolved).hash());
    Parameters insecure = resolved;
    insecure.allow_insecure = false;
    EXPECT_THROW((void)Ring(insecure), Error);
    Parameters twice = resolved;
    twice.data_primes[1] = twice.data_primes[0];
    EXPECT_THROW((void)Ring(twice), Error);
    Parameters composite = resolved;
    composite.data_primes[1] -= 2 * composite.n;
    EXPECT_THROW((void)Ring(composite), Error);
}

TEST(Ring, HelperPrimesHoldEveryProduct) {
    for (const Parameters& parameters :
         {small_parameters(16, {50}, {}, {2}), small_parameters(64, {20, 21, 22, 50, 50}, {50}, {2}),
          small_parameters(32768, std::vector<int>(17, 50), {50}, {2})}) {
        const Context context(parameters);
        const Ring& ring = context.ring();
        for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
            const mpz_class q = ring.data().prefix(limbs).product();
            const mpz_class helpers = ring.auxiliary().prefix(ring.auxiliary_count(limbs)).product();
            const mpz_class needed = q * to_mpz(ring.n());
            EXPECT_GT(helpers, needed + (needed >> 39));
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
