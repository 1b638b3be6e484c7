// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <vector>

#include <lacuna/nn/model/model.h>

namespace lacuna {

/// A model with its linear layers written out, which takes long and much memory: made once, and shared by all
/// that plans it. The model must outlive it. As planning takes long, too, it says when that is to stop.
class ExpandedModel {
  public:
    /// Throws Error where the model is invalid, or too large to be written out, and Stopped where a stop was
    /// requested.
    explicit ExpandedModel(const Model& model, std::stop_token stop = {});
    explicit ExpandedModel(const Model&& model, std::stop_token stop = {}) = delete;

    [[nodiscard]] const Model& model() const { return *model_; }
    [[nodiscard]] const std::vector<Layer>& layers() const { return model_->layers; }
    /// Model::shapes().
    [[nodiscard]] const std::vector<Shape>& shapes() const { return shapes_; }
    [[nodiscard]] std::size_t classes() const { return shapes_.back().size(); }
    /// Of a linear layer.
    [[nodiscard]] const LinearMap& map(std::size_t layer) const { return *maps_[layer]; }

    /// Whether work on the model is to stop.
    [[nodiscard]] const std::stop_token& stop() const { return stop_; }
    /// Throws Stopped then: work that takes long does so a few times a second.
    void check_stop() const;

  private:
    const Model* model_;
    std::stop_token stop_;
    std::vector<Shape> shapes_;
    std::vector<std::optional<LinearMap>> maps_;  // [layer]: none where it is not linear
};

}  // namespace lacuna
