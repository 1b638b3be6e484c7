// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/diagonal.h>
#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/nn/packing/diagonal_account.h>
#include <lacuna/nn/packing/layout.h>
#include <lacuna/nn/packing/packed_arrangement.h>

namespace lacuna {

class ExpandedModel;

/// How a linear layer is laid out: what a search over all ways found, enough to lay it out again without one.
struct PackedWay {
    enum class Kind {
        arranged,  ///< outputs where the windows of a convolution or pool are
        direct,    ///< outputs one after the other
        folded,    ///< rows summed in parts, a `period` of slots apart, which rotations add up
        parted,    ///< of the last layer: the same, but the client adds the parts up
    };
    Kind kind = Kind::direct;
    std::size_t period = 0;  ///< folded, parted: at least the number of rows; else 0
    int width = 0;           ///< RotationSchedule::width
    bool chained = false;    ///< RotationSchedule::chained
    bool operator==(const PackedWay&) const = default;
};

/// A linear layer as the packed packing runs it.
struct PackedLayer {
    std::size_t layer = 0;  ///< of the model
    PackedWay way;
    std::vector<Diagonal> diagonals;
    RotationSchedule schedule;
    std::vector<std::vector<int>> folds;  ///< steps of every sum of rotations that follows
    DiagonalAccount account;              ///< norms: measure() fills them in

    /// The steps that need a key.
    [[nodiscard]] std::set<int> steps() const;

    /// The norms of account, for an encoder's modulus and a ring of degree n. Throws Stopped where a stop was
    /// requested.
    void measure(const BinomialEncoder& encoder, std::size_t n, const std::stop_token& stop = {});
};

/// A model laid out in rows of `slots` slots: where every tensor's elements are, and which diagonals lead
/// from each to the next. It depends on the model and the number of slots alone, so that server and plan
/// agree on it.
class PackedNetwork {
  public:
    /// Throws Error where a tensor does not fit the slots of the ciphertexts that there may be, and Stopped
    /// as the model says.
    PackedNetwork(const ExpandedModel& model, std::size_t slots);
    /// The same with ways that the search found before, one for every linear layer, for so many images that
    /// share the ciphertexts. Throws Error where the model has no such ways, or the slots no such share.
    PackedNetwork(const ExpandedModel& model, std::size_t slots, std::span<const PackedWay> ways,
                  std::size_t images);

    /// Of a network for one image in rows of `slots`: the same for several images in rows of so many times
    /// as many slots, where slot s of image i is slot s images + i. Every rotation is that many times as far,
    /// and so stays within each image; every diagonal serves all of them. What measure() found is gone.
    [[nodiscard]] PackedNetwork interleaved(std::size_t images) const;
    /// That share the ciphertexts.
    [[nodiscard]] std::size_t images() const { return images_; }

    [[nodiscard]] const PackedArrangement& input() const { return input_; }
    [[nodiscard]] std::size_t input_ciphertexts() const { return input_ciphertexts_; }
    /// What its search found, for the other constructor.
    [[nodiscard]] std::vector<PackedWay> ways() const;
    /// In the order of the model's linear layers.
    [[nodiscard]] const std::vector<PackedLayer>& layers() const { return layers_; }
    /// The elements of the first image after every layer of the model; entry 0: the input's first copies.
    [[nodiscard]] const std::vector<std::vector<Place>>& places() const { return places_; }
    [[nodiscard]] std::size_t ciphertexts(std::size_t entry) const { return ciphertexts_[entry]; }
    /// Where else every element of an entry of places() is: a fold leaves its sum in every part of a row.
    [[nodiscard]] const Repeats& copies(std::size_t entry) const { return copies_[entry]; }
    /// Where the parts of a logit are that the client adds up.
    [[nodiscard]] const Repeats& parts() const { return parts_; }
    /// The steps that need a key, ascending.
    [[nodiscard]] std::vector<int> steps() const;
    /// Fills in the norms of every layer's diagonals. Throws Stopped where a stop was requested.
    void measure(const BinomialEncoder& encoder, std::size_t n, const std::stop_token& stop = {});

  private:
    void lay_out(const ExpandedModel& model, std::size_t slots, const std::span<const PackedWay>* ways);

    std::size_t images_ = 1;
    PackedArrangement input_;
    std::size_t input_ciphertexts_ = 1;
    std::vector<PackedLayer> layers_;
    std::vector<std::vector<Place>> places_;
    std::vector<std::size_t> ciphertexts_;
    std::vector<Repeats> copies_;
    Repeats parts_;
};

/// Where a client puts pixels and finds logits, for rows of `slots` slots.
[[nodiscard]] PackedTensors packed_tensors(const PackedNetwork& network, std::size_t slots);
/// The Galois elements of its rotations, ascending, in a ring of degree n.
[[nodiscard]] std::vector<std::uint32_t> rotation_elements(const PackedNetwork& network, std::size_t n,
                                                           const PlainModulus& t);
/// For each of these, the limbs of the largest ciphertext that it turns, where the inputs of the layers have
/// layer_limbs.
[[nodiscard]] std::vector<std::size_t> rotation_limbs(const PackedNetwork& network, std::size_t n,
                                                      const PlainModulus& t,
                                                      std::span<const std::size_t> layer_limbs);

}  // namespace lacuna
