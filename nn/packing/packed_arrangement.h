// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/packing/layout.h>

namespace lacuna {

/// Ciphertexts of an input or reply in the packed packing.
inline constexpr std::size_t max_packed_ciphertexts = 64;

/// Where the packed packing puts the elements of a tensor: in blocks of slots, one for every channel and, of
/// an input that is convolved with a stride, every phase of the stride, so that one rotation lines up the
/// same tap of every window. With Y = y + origin.vertical, X = x + origin.horizontal, element (c, y, x) is in
/// block (c phases.vertical + Y % phases.vertical) phases.horizontal + X % phases.horizontal, there at slot
/// Y / phases.vertical * row_step + X / phases.horizontal * column_step.
struct PackedArrangement {
    Extent phases{1, 1};
    Extent origin{0, 0};
    std::size_t row_step = 0;
    std::size_t column_step = 1;
    std::size_t block_step = 0;  ///< slots from one block to the next
    std::size_t blocks = 1;      ///< of a ciphertext
    std::size_t copies = 1;      ///< of every block, that many blocks apart: rotations need not wrap
    std::size_t copy_step = 0;   ///< slots from one copy to the next

    /// The first copy of every element.
    [[nodiscard]] std::vector<Place> places(const Shape& shape) const;
    [[nodiscard]] std::size_t blocks_of(const Shape& shape) const {
        return shape.channels * phases.vertical * phases.horizontal;
    }
    [[nodiscard]] std::size_t ciphertexts(const Shape& shape) const {
        return (blocks_of(shape) + blocks - 1) / blocks;
    }
    /// Slots of a ciphertext up to the last one in use.
    [[nodiscard]] std::size_t slots(const Shape& shape) const;
    bool operator==(const PackedArrangement&) const = default;
};

/// The same in `count` slots of a row, `step` slots apart around it.
struct Repeats {
    std::size_t count = 1;
    std::size_t step = 0;
    bool operator==(const Repeats&) const = default;
};

/// Repeat number i of a place, in a row of `slots` slots.
[[nodiscard]] constexpr Place repeat_of(const Place& place, const Repeats& repeats, std::size_t i,
                                        std::size_t slots) {
    return {place.ciphertext, (place.position + i * repeats.step) % slots};
}

/// Where the packed packing has the elements of input and reply. Several images may share a set of
/// ciphertexts: number i of them has its elements i slots behind those of the first.
struct PackedTensors {
    std::size_t images = 1;   ///< that share a set, a divisor of every step
    PackedArrangement input;  ///< of the first one
    /// For every logit of the first image, its ciphertext times slots of a ciphertext plus slot.
    std::vector<std::size_t> logits;
    /// A logit is the sum of so many slots modulo the slots' prime, the one above the first of them.
    Repeats parts;
    bool operator==(const PackedTensors&) const = default;
};

}  // namespace lacuna
