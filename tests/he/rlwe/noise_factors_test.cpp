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

}  // namespace
}  // namespace lacuna::testing
