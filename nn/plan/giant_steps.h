// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/he/fv/rotation_schedule.h>
#include <lacuna/nn/plan/lane.h>

namespace lacuna {

/// The diagonals that one giant rotation of one output turns together.
struct GiantGroup {
    std::size_t output = 0;
    int giant = 0;
    std::vector<std::size_t> diagonals;  ///< of the schedule, ascending
};

/// In the order in which the schedule names them first.
[[nodiscard]] std::vector<GiantGroup> giant_groups(const RotationSchedule& schedule);

/// divide_lane() for the packed packing. The first rank has all values between layers; the others get a
/// layer's inputs, turn them by every baby step of their own giant steps, and send the sum of those back
/// before its division by P, so that the result is the same to the last bit. Layers that this makes no
/// quicker stay where they are.
[[nodiscard]] LaneDivision divide_giant_steps(const ExpandedModel& model, const Plan& plan,
                                              const Machines& machines);

}  // namespace lacuna
