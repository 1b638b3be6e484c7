// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/nn/packing/packed_arrangement.h>

namespace lacuna {

/// Hides the parts of a logit that the client adds up: random values modulo p whose sum over the parts is 0.
/// All sharings of 0 are equally likely, so that masked parts are any values with the logit as their sum, and
/// say nothing else.
class ReplyMask {
  public:
    /// Of the reply of a set of images, in one ciphertext.
    ReplyMask(std::shared_ptr<const BinomialEncoder> encoder, const PackedTensors& tensors);

    /// A fresh sharing for every logit, 0 in all other slots.
    [[nodiscard]] Plaintext shares() const;

  private:
    std::shared_ptr<const BinomialEncoder> encoder_;
    std::vector<std::vector<std::size_t>> slots_;  // [image, logit][part]
};

}  // namespace lacuna
