// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <lacuna/nn/model/model.h>

namespace lacuna {

// What a model asks of whoever reads it, found from its shapes, weights and coefficients alone before
// anything is written out: a small file can promise a large network (a sum pool of a few bytes has a million
// elements). Inside the library only.

/// Largest values of ModelSize's fields: memory below about 2 GB and time below about a minute on one core
/// for everything that plans a model, while networks for images of 3 x 32 x 32 with 64 channels and 10^8
/// terms fit.
struct ModelSizeLimits {
    static constexpr std::size_t words = std::size_t{1} << 22;
    static constexpr std::size_t terms = std::size_t{1} << 27;
    static constexpr std::size_t value_bits = 1024;  ///< two and a half times what plaintext moduli can hold
    static constexpr double range_steps = 0x1p29;
    static constexpr double digit_words = 0x1p22;
    static constexpr double digit_steps = 0x1p30;
};

/// Sums over the layers.
struct ModelSize {
    std::size_t words = 0;  ///< of 64 bits: all elements between layers, each as long as its layer's largest
    std::size_t terms = 0;  ///< of the linear layers written out, as ModelLimits::map_terms counts them
    std::size_t value_bits =
        0;  ///< length of the largest absolute value, a partial sum included, for any image
    double range_steps =
        0;  ///< multiplications that the exact ranges of activations (nn/model/ranges.h) may take
};

/// The size of a model whose layers are well-formed; shapes: as Model::shapes() returns them. Throws Error,
/// beginning with `prefix` and the layer, at the first layer that passes a limit.
ModelSize check_size(const Model& model, const std::vector<Shape>& shapes, const std::string& prefix);

/// What the ranges of the radix packing's digit polynomials take.
struct DigitSize {
    double words = 0;  ///< most coefficients of a layer, all elements together
    double steps = 0;  ///< sums and products of coefficients, over all layers
};

/// The same for these, which other packings do not need.
DigitSize check_digit_size(const Model& model, const std::vector<Shape>& shapes, const std::string& prefix);

}  // namespace lacuna
