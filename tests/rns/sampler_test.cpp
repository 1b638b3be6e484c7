// SPDX-License-Identifier: Apache-2.0
//
// The expected words below are frozen: files expand their seeds by these rules.
#include <lacuna/rns/sampler.h>

#include <bit>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "tests/support/residues.h"
#include "tests/support/seeds.h"

namespace lacuna::testing {
namespace {

/// A sum over all words, so that no word of the expansion may change unnoticed.
std::uint64_t digest(const std::uint64_t* words, std::size_t n) {
    std::uint64_t sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
        sum = sum * 6364136223846793005ULL + words[j] + 1;
    }
    return sum;
}

TEST(SampleUniform, ExpandsASeedAsFilesFroze) {
    const RnsBasis basis(4096, primes_of(4096, {50, 33, 20}));
    RnsPolynomial a(4096, 3, Form::ntt);
    sample_uniform(basis, counting_seed(), 512, a);
    EXPECT_EQ(a.form(), Form::ntt);
    const std::vector<std::vector<std::uint64_t>> expected_first = {
        {1850364116730, 551681922621782, 863973649411429},
        {878106212, 7809669632, 5184361976},
        {152331, 589032, 949805}};
    const std::vector<std::uint64_t> expected_digest = {12576170463497864446u, 15616023864604472703u,
                                                        6710607265442862379u};
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(std::vector<std::uint64_t>(a.limb(i), a.limb(i) + 3), expected_first[i]);
        EXPECT_EQ(digest(a.limb(i), 4096), expected_digest[i]);
        // Limb by limb, whatever limbs stand beside it.
        RnsPolynomial alone(4096, 1, Form::coefficient);
        sample_uniform(basis.slice(i, i + 1), counting_seed(), 512 + i, alone);
        EXPECT_TRUE(std::equal(alone.limb(0), alone.limb(0) + 4096, a.limb(i)));
        // The rule itself: masked words of the stream below the prime, in order.
        RandomStream stream(counting_seed(), 512 + i);
        const Modulus& q = basis.modulus(i);
        for (std::size_t j = 0; j < 4096;) {
            std::uint64_t word = 0;
            stream.fill({&word, 1});
            word &= (std::uint64_t{1} << q.bits()) - 1;
            if (word < q.value()) {
                ASSERT_EQ(a.limb(i)[j++], word);
            }
        }
    }
}

TEST(SampleUniform, IsUniform) {
    // Chi-square over 64 equal intervals, 63 degrees of freedom: above 150 once in 10^9; the seed is fixed
    // anyway. For 65537, just above a power of two, half of the words are rejected.
    const std::size_t n = 32768;
    for (const std::uint64_t q :
         {ntt_primes(n, 50, 1).front(), ntt_primes(n, 20, 1).front(), std::uint64_t{65537}}) {
        const RnsBasis basis(n, std::vector<std::uint64_t>{q});
        std::vector<double> counts(64, 0);
        double total = 0;
        for (std::uint64_t stream = 0; stream < 4; ++stream) {
            RnsPolynomial a(n, 1, Form::coefficient);
            sample_uniform(basis, counting_seed(), stream, a);
            for (std::size_t j = 0; j < n; ++j) {
                ASSERT_LT(a.limb(0)[j], q);
                ++counts[static_cast<std::size_t>(uint128_t{a.limb(0)[j]} * 64 / q)];
                ++total;
            }
        }
        double chi_square = 0;
        for (const double count : counts) {
            chi_square += (count - total / 64) * (count - total / 64) / (total / 64);
        }
        EXPECT_LT(chi_square, 150);
        EXPECT_GT(chi_square, 15);
    }
}

TEST(SampleTernary, TakesEachValueAThirdOfTheTime) {
    RandomStream stream(counting_seed(), 1);
    const std::size_t n = 1 << 18;
    const Buffer values = sample_ternary(n, stream);
    EXPECT_EQ(values.secrecy(), Secrecy::secret);
    std::map<std::int64_t, double> counts;
    for (const std::uint64_t word : values.span()) {
        ++counts[static_cast<std::int64_t>(word)];
    }
    ASSERT_EQ(counts.size(), 3u);
    for (const std::int64_t value : {-1, 0, 1}) {
        // Six standard deviations of a count: sqrt(n 2/9) = 241.
        EXPECT_NEAR(counts[value], static_cast<double>(n) / 3, 1450);
    }
    // floor(3 u) - 1
    RandomStream again(counting_seed(), 1);
    std::vector<std::uint64_t> words(n);
    again.fill(words);
    for (std::size_t j = 0; j < n; ++j) {
        ASSERT_EQ(static_cast<std::int64_t>(values[j]),
                  static_cast<std::int64_t>((uint128_t{words[j]} * 3) >> 64) - 1);
    }
}

TEST(SampleError, HasItsBoundVarianceAndShape) {
    RandomStream stream(counting_seed(), 2);
    const std::size_t n = 1 << 18;
    const Buffer values = sample_error(n, stream);
    EXPECT_EQ(values.secrecy(), Secrecy::secret);
    double sum = 0;
    double squares = 0;
    double fourths = 0;
    double products = 0;
    double previous = 0;
    for (const std::uint64_t word : values.span()) {
        const auto e = static_cast<double>(static_cast<std::int64_t>(word));
        ASSERT_LE(std::abs(e), error_bound);
        sum += e;
        squares += e * e;
        fourths += e * e * e * e;
        products += e * previous;
        previous = e;
    }
    const double count = static_cast<double>(n);
    const double deviation = std::sqrt(error_variance / count);
    EXPECT_NEAR(sum / count, 0, 6 * deviation);
    EXPECT_NEAR(squares / count, error_variance, 0.2);
    // Kurtosis of a sum of 42 coins of variance 1/4: 3 - 2 / 42.
    EXPECT_NEAR(fourths / count / (error_variance * error_variance), 3.0 - 2.0 / 42.0, 0.12);
    EXPECT_NEAR(products / count, 0, 6 * error_variance / std::sqrt(count));
    // 21 coins less 21 coins
    RandomStream again(counting_seed(), 2);
    std::vector<std::uint64_t> words(n);
    again.fill(words);
    for (std::size_t j = 0; j < n; ++j) {
        ASSERT_EQ(static_cast<std::int64_t>(values[j]),
                  std::popcount(words[j] << 43) - std::popcount(words[j] << 22 >> 43));
    }
}

}  // namespace
}  // namespace lacuna::testing
