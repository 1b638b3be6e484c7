// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <lacuna/nn/model/model.h>

namespace lacuna {

/// A model with its linear layers written out, which takes long and much memory: made once, and shared by all
/// that plans it. The model must outlive it.
class ExpandedModel {
  public:
    /// Throws Error where the model is invalid, or too large to be written out.
    explicit ExpandedModel(const Model& model);
    explicit ExpandedModel(const Model&& model) = delete;

    [[nodiscard]] const Model& model() const { return *model_; }
    [[nodiscard]] const std::vector<Layer>& layers() const { return model_->layers; }
    /// Model::shapes().
    [[nodiscard]] const std::vector<Shape>& shapes() const { return shapes_; }
    [[nodiscard]] std::size_t classes() const { return shapes_.back().size(); }
    /// Of a linear layer.
    [[nodiscard]] const LinearMap& map(std::size_t layer) const { return *maps_[layer]; }

  private:
    const Model* model_;
    std::vector<Shape> shapes_;
    std::vector<std::optional<LinearMap>> maps_;  // [layer]: none where it is not linear
};

}  // namespace lacuna
