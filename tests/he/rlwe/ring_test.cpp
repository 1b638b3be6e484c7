// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/ring.h>

#include <gmpxx.h>
#include <random>
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

TEST(Ring, SizesAreThoseOfItsPrimes) {
    const Ring ring(small_parameters(64, {50, 45, 40, 33}, {47, 48}, {257}, 3));
    EXPECT_EQ(ring.max_limbs(), 4U);
    EXPECT_EQ(ring.key_basis().size(), 6U);
    for (std::size_t limbs = 1; limbs <= 4; ++limbs) {
        EXPECT_NEAR(ring.log_q(limbs), log2_of(ring.data().prefix(limbs).product()), 1e-9);
        EXPECT_EQ(ring.digits(limbs), limbs <= 3 ? 1U : 2U);
    }
    EXPECT_NEAR(ring.log_p(), log2_of(ring.special().product()), 1e-9);
    EXPECT_EQ(ring.key_basis().modulus(4).value(), ring.special().modulus(0).value());
}

/// Dropping the last prime rounds to the nearest integer.
TEST(Ring, DividesByItsLastPrime) {
    const Ring ring(small_parameters(16, {50, 45, 40}, {}, {97}));
    std::mt19937_64 random(1);
    for (const std::size_t limbs : {2, 3}) {
        const mpz_class q = ring.data().prefix(limbs).product();
        const mpz_class last = to_mpz(ring.data().modulus(limbs - 1).value());
        std::vector<mpz_class> values;
        for (int j = 0; j < 16; ++j) {
            values.push_back(random_below(q, random));
        }
        const auto primes = [&](std::size_t begin, std::size_t end) {
            std::vector<std::uint64_t> all;
            for (std::size_t i = begin; i < end; ++i) {
                all.push_back(ring.data().modulus(i).value());
            }
            return all;
        };
        Rows kept(primes(0, limbs - 1), values);
        const Rows dropped(primes(limbs - 1, limbs), values);
        ring.last_limb_divider(limbs).divide(dropped.sources(), kept.targets(), 16);
        for (std::size_t j = 0; j < 16; ++j) {
            EXPECT_EQ(kept.column(j),
                      residues_of(floor_divide(2 * values[j] + last, 2 * last), primes(0, limbs - 1)));
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
