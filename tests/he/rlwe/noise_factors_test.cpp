// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/noise_factors.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna::testing {
namespace {

TEST(NoiseFactors, JoinCoversBothAndNothingLess) {
    const NoiseFactors a = NoiseFactors{}.with(3).with(1);
    const NoiseFactors b = NoiseFactors{}.with(2).with(2).with(1);
    const NoiseFactors join = a.join(b);
    EXPECT_TRUE(join.covers(a) && join.covers(b));
    EXPECT_EQ(join, NoiseFactors{}.with(3).with(2).with(1));
    EXPECT_FALSE(a.covers(b) || b.covers(a));
    EXPECT_EQ(b.with_repeated(1), NoiseFactors{}.with(2).with(2).with(2));
    EXPECT_EQ(b.with_repeated(5), NoiseFactors{}.with(3).with(2).with(1));
    EXPECT_EQ(NoiseFactors{}.repeatable(3), 0U);
}

/// The powers of all factors, highest first: what the counts stand for.
std::vector<std::size_t> powers_of(const NoiseFactors& factors) {
    std::vector<std::size_t> powers;
    for (std::size_t power = NoiseFactors::highest_power; power >= 1; --power) {
        powers.insert(powers.end(), factors.count(power), power);
    }
    return powers;
}

/// Whether each power of b, in order, is at most that of a at the same place.
bool dominates(const NoiseFactors& a, const NoiseFactors& b) {
    const std::vector<std::size_t> large = powers_of(a);
    const std::vector<std::size_t> small = powers_of(b);
    return small.size() <= large.size() &&
           std::equal(small.begin(), small.end(), large.begin(), std::less_equal<>());
}

TEST(NoiseFactors, CoverAndJoinAsSortedListsOfPowersDo) {
    std::mt19937_64 random(1);
    std::vector<NoiseFactors> all = {NoiseFactors{}};
    for (int i = 0; i < 60; ++i) {
        NoiseFactors factors;
        for (std::uint64_t k = random() % 4; k > 0; --k) {
            factors = factors.with(1 + random() % 4);
        }
        all.push_back(factors);
    }
    for (const NoiseFactors& a : all) {
        for (const NoiseFactors& b : all) {
            ASSERT_EQ(a.covers(b), dominates(a, b));
            const NoiseFactors join = a.join(b);
            ASSERT_TRUE(join.covers(a) && join.covers(b));
            ASSERT_EQ(join, b.join(a));
            for (const NoiseFactors& c : all) {
                ASSERT_TRUE(!(c.covers(a) && c.covers(b)) || c.covers(join));
            }
        }
    }
}

TEST(NoiseFactors, CountWhatIsAddedUpToTheHighestPower) {
    NoiseFactors factors;
    EXPECT_TRUE(factors.none());
    for (std::size_t power = 1; power <= NoiseFactors::highest_power; ++power) {
        factors = factors.with(power);
        EXPECT_EQ(factors.count(power), 1U);
        EXPECT_EQ(factors.repeatable(power), power);
    }
    EXPECT_FALSE(factors.none());
    // Beyond the highest power it counts as that.
    EXPECT_EQ(factors.with(NoiseFactors::highest_power + 5).count(NoiseFactors::highest_power), 2U);
    EXPECT_EQ(powers_of(factors).size(), NoiseFactors::highest_power);
}

}  // namespace
}  // namespace lacuna::testing
