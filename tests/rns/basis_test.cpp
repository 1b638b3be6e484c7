// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/basis.h>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

TEST(RnsBasis, SlicesAndJoinsShareTables) {
    const std::vector<std::uint64_t> primes = primes_of(64, {50, 45, 20, 50});
    const RnsBasis basis(64, primes);
    ASSERT_EQ(basis.size(), 4u);
    EXPECT_EQ(basis.product(), product_of(primes));
    const RnsBasis middle = basis.slice(1, 3);
    ASSERT_EQ(middle.size(), 2u);
    EXPECT_EQ(middle.modulus(0).value(), primes[1]);
    EXPECT_EQ(&middle.tables(1), &basis.tables(2));
    const RnsBasis joined = basis.slice(3, 4).joined(basis.prefix(1));
    ASSERT_EQ(joined.size(), 2u);
    EXPECT_EQ(joined.modulus(0).value(), primes[3]);
    EXPECT_EQ(joined.modulus(1).value(), primes[0]);
    EXPECT_EQ(joined.n(), 64u);
    EXPECT_EQ(basis.prefix(0).size(), 0u);
    EXPECT_EQ(basis.prefix(0).product(), 1);
    EXPECT_EQ(RnsBasis().joined(basis).n(), 64u);
}

TEST(RnsBasis, RefusesRepeatedAndUnfitPrimes) {
    const std::vector<std::uint64_t> primes = primes_of(64, {50, 45});
    EXPECT_THROW(RnsBasis(64, std::vector<std::uint64_t>{primes[0], primes[1], primes[0]}), Error);
    EXPECT_THROW(RnsBasis(64, std::vector<std::uint64_t>{primes[0] + 2}), Error);
    EXPECT_THROW(RnsBasis(24, primes), Error);
}

TEST(Crt, ComposesWhatItDecomposes) {
    std::mt19937_64 random(1);
    std::vector<std::vector<std::uint64_t>> moduli = {{2},
                                                      {97},
                                                      {2, 3},
                                                      {4, 9, 25},
                                                      primes_of(16, {50}),
                                                      primes_of(1024, {50, 50, 50, 32}),
                                                      primes_of(16, std::vector<int>(20, 50)),
                                                      primes_of(16, {50, 8, 49, 20, 33, 45, 9, 12})};
    for (const std::vector<std::uint64_t>& list : moduli) {
        const Crt crt(list);
        const mpz_class m = product_of(list);
        ASSERT_EQ(crt.product(), m);
        std::vector<mpz_class> values = {0, 1, m - 1, m / 2, m / 2 + 1};
        for (int i = 0; i < 50; ++i) {
            values.push_back(random_below(m, random));
        }
        for (const mpz_class& value : values) {
            const mpz_class x = value % m;  // m may be 2
            EXPECT_EQ(crt.decompose(x), residues_of(x, list));
            EXPECT_EQ(crt.compose(crt.decompose(x)), x);
            EXPECT_EQ(crt.decompose(x - 5 * m), crt.decompose(x));
            const mpz_class centred = 2 * x > m ? mpz_class(x - m) : x;
            EXPECT_EQ(crt.compose_centred(crt.decompose(x)), centred);
        }
    }
}

TEST(Crt, RefusesModuliThatAreNotCoprimeAndWrongCounts) {
    EXPECT_THROW(Crt(std::vector<std::uint64_t>{6, 9}), Error);
    EXPECT_THROW(Crt(std::vector<std::uint64_t>{1}), Error);
    EXPECT_THROW(Crt(std::vector<std::uint64_t>{7, 1}), Error);
    const Crt crt(std::vector<std::uint64_t>{5, 7});
    EXPECT_THROW((void)crt.compose(std::vector<std::uint64_t>{1}), Error);
}

TEST(Crt, AgreesWithItsBasis) {
    const RnsBasis basis(16, primes_of(16, {40, 30}));
    EXPECT_EQ(Crt(basis).product(), basis.product());
}

}  // namespace
}  // namespace lacuna::testing
