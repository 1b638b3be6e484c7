// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/primes.h>

#include <set>
#include <vector>

#include <NTL/ZZ.h>
#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

using Word = std::uint64_t;

bool is_prime_by_ntl(Word value) {
    return NTL::ProbPrime(NTL::conv<NTL::ZZ>(static_cast<unsigned long>(value)), 40) != 0;
}

TEST(Primes, TestsPrimality) {
    const std::set<Word> small = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31};
    for (Word value = 0; value < 32; ++value) {
        EXPECT_EQ(is_prime(value), small.contains(value)) << value;
    }
    // Carmichael numbers and strong pseudoprimes to several bases.
    for (const Word value :
         {Word{561}, Word{41041}, Word{825265}, Word{3215031751}, Word{3825123056546413051}}) {
        EXPECT_FALSE(is_prime(value)) << value;
    }
    EXPECT_TRUE(is_prime(1125899906826241));
}

TEST(Primes, AreTheLargestOfTheirSize) {
    for (const std::size_t n : {16, 1024, 8192, 32768}) {
        for (const int bits : {24, 30, 45, 50}) {
            const std::vector<Word> primes = ntt_primes(n, bits, 3);
            ASSERT_EQ(primes.size(), 3u);
            std::size_t found = 0;
            for (Word candidate = (Word{1} << bits) - 2 * n + 1; found < 3; candidate -= 2 * n) {
                if (is_prime_by_ntl(candidate)) {
                    EXPECT_EQ(primes[found++], candidate);
                }
            }
        }
    }
}

TEST(Primes, SkipTheExcluded) {
    const std::vector<Word> first = ntt_primes(4096, 50, 3);
    const std::vector<Word> rest = ntt_primes(4096, 50, 2, std::vector<Word>{first[0], first[2]});
    EXPECT_EQ(rest[0], first[1]);
    EXPECT_LT(rest[1], first[2]);
}

TEST(Primes, RefuseTheImpossible) {
    EXPECT_THROW((void)ntt_primes(1000, 50, 1), Error);     // n no power of two
    EXPECT_THROW((void)ntt_primes(1024, 51, 1), Error);     // too long
    EXPECT_THROW((void)ntt_primes(32768, 16, 1), Error);    // none is 1 modulo 65536
    EXPECT_THROW((void)ntt_primes(32768, 20, 100), Error);  // not that many
}

TEST(PrimitiveRoot, IsTheSmallestOfItsOrder) {
    for (const std::size_t n : {16, 64, 1024}) {
        const Modulus q(ntt_primes(n, 20, 1).front());
        const Word root = primitive_root(n, q);
        EXPECT_EQ(q.power(root, n), q.value() - 1);
        for (Word x = 2; x < root; ++x) {
            EXPECT_NE(q.power(x, n), q.value() - 1) << x << " is a smaller one";
        }
    }
    for (const std::size_t n : {4096, 32768}) {
        const Modulus q(ntt_primes(n, 50, 1).front());
        EXPECT_EQ(q.power(primitive_root(n, q), n), q.value() - 1);
    }
}

TEST(PrimitiveRoot, RefusesOtherModuli) {
    EXPECT_THROW((void)primitive_root(1024, Modulus(17)), Error);
    EXPECT_THROW((void)primitive_root(16, Modulus(33)), Error);  // 1 modulo 32, but composite
    EXPECT_THROW((void)primitive_root(24, Modulus(97)), Error);
}

}  // namespace

}  // namespace lacuna
