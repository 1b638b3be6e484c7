// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <lacuna/nn/model/model.h>

namespace lacuna::testing {

/// A network for MNIST's images whose values stay tiny but which squares far more often than any ring allows.
inline Model deep_model() {
    Model model;
    model.name = "deep";
    model.input_shape = {1, 28, 28};
    model.thresholds = {128};
    model.layers.push_back({"flatten", Flatten{}});
    Dense dense{{28 * 28, {}}, {}};
    for (std::uint32_t i = 0; i < 10; ++i) {
        dense.weights.rows.push_back({{i, 1}});
        dense.bias.emplace_back(0);
    }
    model.layers.push_back({"dense", std::move(dense)});
    for (int i = 0; i < 40; ++i) {
        model.layers.push_back({"square" + std::to_string(i), Activation{{0, 0, 1}}});
    }
    return model;
}

}  // namespace lacuna::testing
