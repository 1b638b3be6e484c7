// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/product_tables.h>

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>

#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

TEST(HelperPrimes, HoldEveryProduct) {
    for (const Parameters& parameters :
         {small_parameters(16, {50}, {}, {2}), small_parameters(64, {20, 21, 22, 50, 50}, {50}, {2}),
          small_parameters(32768, std::vector<int>(17, 50), {50}, {2})}) {
        const Context context(parameters);
        const Ring& ring = context.ring();
        const HelperPrimes primes(ring);
        for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
            const mpz_class q = ring.data().prefix(limbs).product();
            const mpz_class helpers = primes.basis().prefix(primes.count(ring, limbs)).product();
            const mpz_class needed = q * to_mpz(ring.n());
            EXPECT_GT(helpers, needed + (needed >> 39));
        }
    }
}

TEST(HelperPrimes, AreDisjointFromTheRings) {
    const Context context(small_parameters(64, {50, 50}, {50}, {257}));
    const HelperPrimes primes(context.ring());
    std::set<std::uint64_t> seen;
    for (const RnsBasis* basis : {&context.ring().key_basis(), &primes.basis()}) {
        for (std::size_t i = 0; i < basis->size(); ++i) {
            EXPECT_TRUE(seen.insert(basis->modulus(i).value()).second);
        }
    }
}

TEST(ProductTables, RefuseAForeignPlaintextModulus) {
    const Context context(small_parameters(64, {50, 50}, {50}, {257}));
    const ProductTables products(context);
    EXPECT_EQ(products.space(PlainModulus(257)).t(), 257U);
    EXPECT_THROW((void)products.space(PlainModulus(17)), Error);
}

}  // namespace
}  // namespace lacuna::testing
