// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <lacuna/nn/model/model.h>

namespace lacuna::test {

/// One linear layer over 2 x 2 pixels.
inline Model small_model(const std::string& name = "small") {
    Model model;
    model.name = name;
    model.input_shape = {1, 2, 2};
    model.thresholds = {128};
    model.layers.push_back({"flatten", Flatten{}});
    Dense logits{{4, {}}, {}};
    logits.weights.rows = {{{0, 1}, {3, -1}}, {{1, 2}}};
    logits.bias = {0, 1};
    model.layers.push_back({"logits", std::move(logits)});
    return model;
}

}  // namespace lacuna::test
