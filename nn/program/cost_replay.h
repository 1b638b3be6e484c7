// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <lacuna/nn/program/cost_model.h>
#include <lacuna/nn/program/program.h>
#include <lacuna/nn/program/stage.h>

namespace lacuna {

/// Adds up what the steps of a program cost, in nominal nanoseconds on one thread for one plaintext modulus.
/// The cost model and the stages must outlive it.
class CostReplay {
  public:
    CostReplay(const CostModel& cost, std::span<const Stage> stages, std::size_t limbs, std::size_t elements)
        : cost_(&cost), stages_(stages), limbs_(limbs), elements_(elements) {}

    /// The cost of a line of the plan: these steps, which follow those before.
    [[nodiscard]] double run(std::span<const Step> line);

  private:
    struct Cost {
        double of_all = 0;
        double of_each = 0;  ///< element
    };
    [[nodiscard]] Cost of(const Step& step) const;

    const CostModel* cost_;
    std::span<const Stage> stages_;
    std::size_t limbs_;  // of the values at hand
    std::size_t elements_;
};

}  // namespace lacuna
