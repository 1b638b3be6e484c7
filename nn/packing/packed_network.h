// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/diagonal_product.h>
#include <lacuna/nn/packing/diagonal_account.h>
#include <lacuna/nn/packing/layout.h>
#include <lacuna/nn/packing/packed_arrangement.h>

namespace lacuna {

class ExpandedModel;

/// A linear layer as the packed packing runs it.
struct PackedLayer {
    std::size_t layer = 0;  ///< of the model
    std::vector<Diagonal> diagonals;
    RotationSchedule schedule;
    std::vector<std::vector<int>> folds;  ///< steps of every sum of rotations that follows
    DiagonalAccount account;              ///< norms: measure() fills them in

    /// The norms of account, for an encoder's modulus and a ring of degree n.
    void measure(const BinomialEncoder& encoder, std::size_t n);
};

/// A model laid out in rows of `slots` slots: where every tensor's elements are, and which diagonals lead
/// from each to the next. It depends on the model and the number of slots alone, so that server and plan
/// agree on it.
class PackedNetwork {
  public:
    /// Throws Error where a tensor does not fit the slots of the ciphertexts that there may be.
    PackedNetwork(const ExpandedModel& model, std::size_t slots);

    [[nodiscard]] const PackedArrangement& input() const { return input_; }
    [[nodiscard]] std::size_t input_ciphertexts() const { return input_ciphertexts_; }
    /// In the order of the model's linear layers.
    [[nodiscard]] const std::vector<PackedLayer>& layers() const { return layers_; }
    /// The elements after every layer of the model; entry 0: the input's first copies.
    [[nodiscard]] const std::vector<std::vector<Place>>& places() const { return places_; }
    [[nodiscard]] std::size_t ciphertexts(std::size_t entry) const { return ciphertexts_[entry]; }
    /// The steps that need a key, ascending.
    [[nodiscard]] std::vector<int> steps() const;
    /// Fills in the norms of every layer's diagonals.
    void measure(const BinomialEncoder& encoder, std::size_t n);

  private:
    std::size_t slots_;
    PackedArrangement input_;
    std::size_t input_ciphertexts_ = 1;
    std::vector<PackedLayer> layers_;
    std::vector<std::vector<Place>> places_;
    std::vector<std::size_t> ciphertexts_;
};

}  // namespace lacuna
