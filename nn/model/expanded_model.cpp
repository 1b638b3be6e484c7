// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/expanded_model.h>

namespace lacuna {

ExpandedModel::ExpandedModel(const Model& model) : model_(&model) {
    validate(model, "model '" + model.name + "'");
    shapes_ = model.shapes();
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        auto& map = maps_.emplace_back();
        if (is_linear(model.layers[l])) {
            map = linear_map(model.layers[l], shapes_[l]);
        }
    }
}

}  // namespace lacuna
