// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/plain_moduli.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/gmp_words.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {
namespace {

mpz_class product_of(const std::vector<std::uint64_t>& moduli) {
    mpz_class product = 1;
    for (const std::uint64_t t : moduli) {
        product *= to_mpz(t);
    }
    return product;
}

TEST(NeighbouringPrimes, HoldWhatIsNeededAndHardlyMore) {
    for (const std::size_t n : {1024, 8192}) {
        for (const std::size_t count : {1, 2, 3, 4}) {
            for (const unsigned bits : {20U, 41U, 77U}) {
                const mpz_class needed = (mpz_class(1) << bits) + 12345;
                const std::vector<std::uint64_t> moduli = neighbouring_primes(n, count, needed);
                if (moduli.empty()) {
                    EXPECT_GT(bits, 48 * count);  // no prime has more than 50 bits
                    continue;
                }
                ASSERT_EQ(moduli.size(), count);
                EXPECT_GT(product_of(moduli), needed);
                for (std::size_t i = 0; i < count; ++i) {
                    EXPECT_TRUE(is_prime(moduli[i]));
                    EXPECT_EQ(moduli[i] % (2 * n), 1U);
                    EXPECT_TRUE(i == 0 || moduli[i] < moduli[i - 1]);
                }
                // With the next prime below the largest one instead of it, they would hold too little.
                std::uint64_t below = moduli[0];
                const auto among = [&](std::uint64_t t) {
                    return std::find(moduli.begin(), moduli.end(), t) != moduli.end();
                };
                do {
                    below -= 2 * n;
                } while (below > 1 && (!is_prime(below) || among(below)));
                if (below > 1) {
                    std::vector<std::uint64_t> smaller = moduli;
                    smaller[0] = below;
                    EXPECT_LE(product_of(smaller), needed) << n << ", " << count << " of " << bits << " bits";
                }
            }
        }
    }
}

TEST(NeighbouringPrimes, AreNoneWhereTheyWouldBeTooLarge) {
    EXPECT_TRUE(neighbouring_primes(1024, 1, mpz_class(1) << 50).empty());
    EXPECT_TRUE(neighbouring_primes(1024, 2, mpz_class(1) << 101).empty());
    EXPECT_EQ(neighbouring_primes(1024, 2, mpz_class(1) << 95).size(), 2U);
}

}  // namespace
}  // namespace lacuna
