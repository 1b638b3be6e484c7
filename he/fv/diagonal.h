// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/he/fv/rotation_schedule.h>

namespace lacuna {

/// A generalised diagonal of a matrix over slots: slot j of the output takes values[j] times slot j + steps
/// of the input. Missing values are 0.
struct Diagonal {
    RotatedInput rotation;
    std::vector<std::int64_t> values;
};

/// The values as they stand before a giant rotation: value j at slot j + giant, of k.
[[nodiscard]] std::vector<std::int64_t> turned_values(const Diagonal& diagonal, int giant, std::size_t k);

}  // namespace lacuna
