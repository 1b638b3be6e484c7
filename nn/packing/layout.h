// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <lacuna/nn/packing/packing.h>

namespace lacuna {

/// Where the words of one element are: which ciphertext of its plaintext modulus, and the first slot or
/// coefficient.
struct Place {
    std::size_t ciphertext = 0;
    std::size_t position = 0;
    bool operator==(const Place&) const = default;
};

/// Maps every element of a tensor to its place. Image b of a batch sits in slot position + b (slots), or is
/// alone and has its digits from coefficient `position` on (radix); in the packed packing ClientPlan says
/// where elements are. A new packing is a new layout and new layer kernels.
struct Layout {
    Packing packing = Packing::slots;
    std::size_t elements = 0;
    std::size_t batch = 1;   ///< images held
    std::size_t stride = 0;  ///< 0: every element has a ciphertext of its own; else the distance, in
                             ///< coefficients, of elements that share one ciphertext
    std::size_t each = 0;    ///< packed: ciphertexts of a set, one set after the other
    std::size_t images = 1;  ///< packed: that share a set

    /// Sets of ciphertexts that hold the batch, packed.
    [[nodiscard]] std::size_t sets() const { return (batch + images - 1) / images; }
    [[nodiscard]] std::size_t ciphertexts() const {
        return each != 0 ? sets() * each : stride == 0 ? elements : 1;
    }
    [[nodiscard]] Place place(std::size_t element) const {
        return stride == 0 ? Place{element, 0} : Place{0, element * stride};
    }
    bool operator==(const Layout&) const = default;
};

}  // namespace lacuna
