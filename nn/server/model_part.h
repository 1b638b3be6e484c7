// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/lane.h>

namespace lacuna {

/// One rank's part of a model that several machines compute together.
struct ModelPart {
    std::shared_ptr<const LaneDivision> division;
    std::size_t rank = 0;             ///< of the lane
    std::vector<std::size_t> moduli;  ///< plaintext moduli of the lane

    [[nodiscard]] const std::vector<std::uint32_t>& inputs() const { return division->inputs[rank]; }
    /// How this rank shares a line of the plan.
    [[nodiscard]] const LineDivision& line(std::size_t index) const { return division->lines[index]; }
};

/// What the ranks of a lane do between the lines of a plan. values: this rank's, as LineDivision says, in
/// rising order; it is called on every rank, those without any values included.
struct Exchange {
    /// From those that it has to those that the line's layer kernel needs.
    std::function<void(std::size_t line, std::vector<Ciphertext>& values)> before;
    /// From what the layer kernel computed, sums in part, to those that it has behind the line. Packed sums
    /// are modulo Q P and in NTT form (DiagonalProduct::partial_sums()), for the first rank alone to divide.
    std::function<void(std::size_t line, std::vector<Ciphertext>& values)> after;
};

/// The rows that a rank computes of the inputs that it has, and the biases of those outputs that it will
/// have; the others are 0.
[[nodiscard]] LinearMap part_of(const LinearMap& map, const LineDivision& line, std::size_t rank);

}  // namespace lacuna
