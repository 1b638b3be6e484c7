// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <vector>

namespace lacuna {

/// A rotated input that a sum needs: slot j of `output` takes something from slot j + steps of `input`.
/// Negative steps are as good as steps + slots; which of them is written may guide the schedule.
struct RotatedInput {
    std::size_t output = 0;
    std::size_t input = 0;
    int steps = 0;
    bool operator==(const RotatedInput&) const = default;
};

/// How a sum of rotated products shares rotations (baby-step giant-step): a rotation by `giant + baby` steps
/// is one of the input by `baby`, cheap because all of an input's share their digits (hoisting), and one by
/// `giant` of what was summed over all babies, which costs a key switching of its own.
struct RotationSchedule {
    struct Term {
        std::size_t output = 0;
        std::size_t input = 0;
        int giant = 0;  ///< in [0, slots), as is baby; their sum is the rotation, modulo slots
        int baby = 0;
        bool operator==(const Term&) const = default;
    };
    std::vector<Term> terms;  ///< as the rotations that were asked for
    std::size_t babies = 0;   ///< rotations by a baby step other than 0, over all inputs
    std::size_t giants = 0;   ///< and by a giant step, over all outputs
    int width = 0;            ///< rotations are split at its multiples; 0: all of each is a baby step
    /// Giant steps are taken one after the other, from the largest down, each sum joining what has been
    /// turned so far (Horner's rule): a little slower, and a key for every distance between two of them is
    /// enough.
    bool chained = false;

    /// The steps that need a key, ascending.
    [[nodiscard]] std::vector<int> steps() const;
};

/// The giant steps of an output where they are chained, from the largest down; 0 among them where there is
/// one.
[[nodiscard]] std::vector<int> giants_of(const RotationSchedule& schedule, std::size_t output);

/// What a giant step costs next to a baby step, for two to three limbs and one special prime, where a key
/// weighs as much as a baby step: 3.3 in time alone.
inline constexpr double giant_step_cost = 2.2;

/// The same where giant steps are chained, without their keys, which weigh half a baby step each: 3.6 in
/// time.
inline constexpr double chained_step_cost = 1.8;
inline constexpr double chained_key_cost = 0.5;

/// The cheapest schedule that splits every rotation at a multiple of one number. `slots`: of a row.
[[nodiscard]] RotationSchedule schedule_rotations(std::span<const RotatedInput> rotations, std::size_t slots,
                                                  double giant_cost = giant_step_cost);
/// The same with chained giant steps. Where a stop is requested it returns early, and the schedule need not
/// be the cheapest.
[[nodiscard]] RotationSchedule schedule_chained(std::span<const RotatedInput> rotations, std::size_t slots,
                                                const std::stop_token& stop = {});
/// The schedule of a width that a search has found before, 0 ... slots - 1.
[[nodiscard]] RotationSchedule schedule_at(std::span<const RotatedInput> rotations, std::size_t slots,
                                           int width, bool chained = false);

}  // namespace lacuna
