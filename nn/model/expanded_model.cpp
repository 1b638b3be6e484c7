// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/expanded_model.h>

#include <utility>

#include <lacuna/nn/run_control.h>

namespace lacuna {

ExpandedModel::ExpandedModel(const Model& model, std::stop_token stop)
    : model_(&model), stop_(std::move(stop)) {
    validate(model, "model '" + model.name + "'");
    shapes_ = model.shapes();
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        check_stop();
        auto& map = maps_.emplace_back();
        if (is_linear(model.layers[l])) {
            map = linear_map(model.layers[l], shapes_[l], stop_);
        }
    }
}

void ExpandedModel::check_stop() const {
    lacuna::check_stop(stop_);
}

}  // namespace lacuna
