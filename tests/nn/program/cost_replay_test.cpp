// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/cost_replay.h>

#include <vector>

#include <gtest/gtest.h>

#include <lacuna/nn/program/compile.h>

namespace lacuna {
namespace {

/// A convolution, x^2 + x, a dense layer, by hand.
TEST(CostReplay, AddsUpStepByStep) {
    Parameters parameters;
    parameters.n = 8192;
    parameters.data_bits = {45, 45, 45};
    parameters.special_bits = {45};
    const CostModel cost(parameters);
    std::vector<Stage> stages(3);
    stages[0].elements = 100;
    stages[0].terms = 900;
    stages[1].elements = 100;
    stages[1].linear = false;
    stages[1].powers = {0, 1, 1};
    stages[2].elements = 10;
    stages[2].terms = 1000;

    CostReplay replay(cost, stages, 3, 25);
    Step first{LinearStep{0, 0}, 0, 100, 3, 2, ""};
    EXPECT_DOUBLE_EQ(replay.run({&first, 1}), cost.linear(900, 2, 3));
    // All steps of an activation are one line: each once for every element.
    const std::vector<Step> activation = {{ProductStep{{1, 1}, false, true, false}, 1, 100, 2, 3, ""},
                                          {WeightedSumStep{1, 1, 2, true}, 1, 100, 2, 3, ""}};
    EXPECT_DOUBLE_EQ(replay.run(activation), 100 * cost.multiply(3, true));
    Step relinearize{RelinearizeStep{1}, 2, 100, 2, 2, ""};
    EXPECT_DOUBLE_EQ(replay.run({&relinearize, 1}), 100 * cost.relinearize(2));
    Step last{LinearStep{2, 2}, 3, 10, 2, 2, ""};
    EXPECT_DOUBLE_EQ(replay.run({&last, 1}), cost.linear(1000, 2, 2));
    Step product{ProductStep{{1, 2}, false, false, false}, 4, 10, 2, 3, ""};
    EXPECT_DOUBLE_EQ(replay.run({&product, 1}), 10 * cost.multiply(2, false));
    Step unscaled{ProductStep{{1, 1}, true, false, false}, 5, 10, 2, 3, ""};
    EXPECT_DOUBLE_EQ(replay.run({&unscaled, 1}), 10 * cost.square_unscaled(2));
    Step lower{ModSwitchStep{}, 6, 10, 1, 2, ""};
    EXPECT_DOUBLE_EQ(replay.run({&lower, 1}), 10 * cost.mod_switch(2, 2));
    Step flood{FloodStep{40}, 7, 10, 1, 2, ""};
    EXPECT_DOUBLE_EQ(replay.run({&flood, 1}), 10 * cost.flood(1));
    Step join{JoinStep{}, 8, 1, 1, 2, ""};
    EXPECT_DOUBLE_EQ(replay.run({&join, 1}), cost.linear(10, 2, 1));
}

}  // namespace
}  // namespace lacuna
