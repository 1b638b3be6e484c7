// SPDX-License-Identifier: Apache-2.0
//
// Costs are measurements; what is tested is their shape, which the planner's choices rest on.
#include <lacuna/nn/program/cost_model.h>

#include <gtest/gtest.h>

#include <lacuna/he/fv/parameters.h>

namespace lacuna {
namespace {

Parameters parameters_of(std::size_t n, std::size_t digit_limbs = 1) {
    Parameters parameters;
    parameters.n = n;
    parameters.data_bits = {45, 45, 45, 45};
    parameters.special_bits = std::vector<int>(digit_limbs, 50);
    parameters.digit_limbs = digit_limbs;
    return parameters;
}

TEST(CostModel, GrowsWithLevelAndRing) {
    const CostModel small(parameters_of(4096));
    const CostModel large(parameters_of(8192));
    EXPECT_GT(nominal_transform_nanoseconds(8192), 2 * nominal_transform_nanoseconds(4096));
    for (std::size_t limbs = 1; limbs <= 4; ++limbs) {
        EXPECT_GT(large.multiply(limbs, false), 2 * small.multiply(limbs, false));
        if (limbs > 1) {
            EXPECT_GT(small.multiply(limbs, true), small.multiply(limbs - 1, true));
            EXPECT_GT(small.relinearize(limbs), small.relinearize(limbs - 1));
            EXPECT_GT(small.mod_switch(2, limbs), small.mod_switch(2, limbs - 1));
        }
    }
}

TEST(CostModel, OrdersTheWaysToTheSameResult) {
    const CostModel cost(parameters_of(8192));
    for (std::size_t limbs = 1; limbs <= 4; ++limbs) {
        EXPECT_LT(cost.multiply(limbs, true), cost.multiply(limbs, false)) << "squares share transforms";
        EXPECT_LT(cost.square_unscaled(limbs), cost.multiply(limbs, true) / 2) << "no helper primes";
        EXPECT_LT(cost.linear(1, 2, limbs), cost.multiply(limbs, true)) << "a monomial is a shift";
        EXPECT_DOUBLE_EQ(cost.linear(10, 3, limbs), 15 * cost.linear(1, 2, limbs));
        EXPECT_DOUBLE_EQ(cost.mod_switch(3, limbs), 1.5 * cost.mod_switch(2, limbs));
    }
    // Fewer digits cost fewer transforms.
    EXPECT_LT(CostModel(parameters_of(8192, 2)).relinearize(4), cost.relinearize(4));
}

TEST(CostModel, DoesNotAskWhetherPrimesAreChosenYet) {
    const Parameters sizes = parameters_of(8192);
    const CostModel by_size(sizes);
    Parameters by_value = sizes;
    by_value.allow_insecure = true;
    const CostModel resolved(resolve(by_value));
    for (std::size_t limbs = 1; limbs <= 4; ++limbs) {
        EXPECT_NEAR(resolved.multiply(limbs, true), by_size.multiply(limbs, true), 1e-3);
        EXPECT_NEAR(resolved.relinearize(limbs), by_size.relinearize(limbs), 1e-3);
    }
}

}  // namespace
}  // namespace lacuna
