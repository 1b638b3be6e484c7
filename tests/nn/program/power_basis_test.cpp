// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/power_basis.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace lacuna {
namespace {

TEST(PowerBasis, HalvesAPower) {
    EXPECT_EQ(halves(2), (PowerProduct{1, 1}));
    EXPECT_EQ(halves(3), (PowerProduct{1, 2}));
    EXPECT_EQ(halves(7), (PowerProduct{3, 4}));
    EXPECT_EQ(halves(8), (PowerProduct{4, 4}));
    EXPECT_TRUE(halves(8).is_square());
    EXPECT_FALSE(halves(7).is_square());
    EXPECT_EQ(halves(7).power(), 7U);
}

/// For every set of powers up to x^8: all of them are made, nothing twice, nothing before its factors,
/// nothing that no power needs, and at the lowest depth.
TEST(PowerBasis, MakesWhatIsNeededAndNothingElse) {
    for (unsigned set = 0; set < 512; ++set) {
        std::vector<bool> needed(9);
        for (std::size_t i = 0; i < needed.size(); ++i) {
            needed[i] = (set >> i & 1U) != 0;
        }
        std::vector<int> depth(9, -1);
        std::vector<bool> used = needed;
        depth[1] = 0;
        const std::vector<PowerProduct> products = power_products(needed);
        for (const PowerProduct& product : products) {
            ASSERT_GE(depth[product.low], 0) << set;
            ASSERT_GE(depth[product.high], 0) << set;
            ASSERT_EQ(depth[product.power()], -1) << set << ": made twice";
            EXPECT_EQ(product, halves(product.power()));
            depth[product.power()] = std::max(depth[product.low], depth[product.high]) + 1;
            used[product.low] = used[product.high] = true;
        }
        for (std::size_t i = 2; i < needed.size(); ++i) {
            EXPECT_EQ(depth[i] >= 0, used[i]) << set << ", x^" << i;
            if (needed[i]) {
                EXPECT_EQ(depth[i], std::bit_width(i - 1)) << set << ", x^" << i;
            }
        }
    }
}

TEST(PowerBasis, IsEmptyWhereNothingIsMultiplied) {
    EXPECT_TRUE(power_products({}).empty());
    EXPECT_TRUE(power_products({true}).empty());
    EXPECT_TRUE(power_products({true, true}).empty());
    EXPECT_TRUE(power_products({true, true, false}).empty());
}

}  // namespace
}  // namespace lacuna
