// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <lacuna/he/fv/diagonal_norms.h>

namespace lacuna {

/// What a linear layer of the packed packing does, with diagonals left out: a DiagonalProduct, then sums of
/// rotations, then a constant; the last layer of a model may leave the sums to the client.
struct DiagonalAccount {
    std::size_t inputs = 1;  ///< ciphertexts
    std::size_t outputs = 1;
    std::size_t products = 0;     ///< diagonals
    std::size_t babies = 0;       ///< rotations that share digits, over all inputs
    std::size_t giants = 0;       ///< rotations of sums, over all outputs
    std::size_t most_giants = 0;  ///< of one output
    bool chained = false;         ///< giant rotations one after the other (RotationSchedule::chained)
    /// Of each sum of rotations that follows, for every output, how many rotations it adds.
    std::vector<std::size_t> folds;
    /// Slots that the client adds up to one element, masked by shares of zero; 1: none to add.
    std::size_t parts = 1;
    DiagonalNorms norms;

    [[nodiscard]] std::size_t rotations() const {
        std::size_t count = babies + giants;
        for (const std::size_t fold : folds) {
            count += outputs * fold;
        }
        return count;
    }
    bool operator==(const DiagonalAccount&) const = default;
};

}  // namespace lacuna
