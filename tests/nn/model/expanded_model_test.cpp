// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/expanded_model.h>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

TEST(ExpandedModel, HoldsTheLinearMapOfEveryLinearLayer) {
    test::RandomModel random(3);
    const Model model = random.model(3, 2);
    const ExpandedModel expanded(model);
    EXPECT_EQ(&expanded.model(), &model);
    EXPECT_EQ(expanded.shapes(), model.shapes());
    EXPECT_EQ(expanded.classes(), model.classes());
    std::size_t linear = 0;
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        if (!is_linear(model.layers[l])) {
            continue;
        }
        const LinearMap map = linear_map(model.layers[l], expanded.shapes()[l]);
        EXPECT_EQ(expanded.map(l).weights.rows, map.weights.rows);
        EXPECT_EQ(expanded.map(l).weights.columns, expanded.shapes()[l].size());
        EXPECT_EQ(expanded.map(l).bias, map.bias);
        ++linear;
    }
    EXPECT_GE(linear, 3U);
}

TEST(ExpandedModel, RefusesAnInvalidModel) {
    Model model = test::RandomModel(3).model(3, 2);
    model.layers[1].name = model.layers[0].name;
    EXPECT_THROW((void)ExpandedModel(model), Error);
}

}  // namespace
}  // namespace lacuna
