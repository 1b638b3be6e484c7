// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/program/operations.h>

namespace lacuna {

/// Statistical distance 2^-40: what a reply may say of the model besides its answer, unless told otherwise.
inline constexpr int default_privacy_bits = 40;

/// A plan for people, as `lacuna plan` and Python print it: steps, operations, parameters, sizes, reasons.
/// speed: real seconds of a nominal one (tools/machine_speed.h).
[[nodiscard]] std::string plan_text(const Plan& plan, double speed);

/// The columns of operation counts in a table, behind a first column.
[[nodiscard]] std::vector<std::string> operation_heads(const std::string& first);
[[nodiscard]] std::vector<std::string> operation_cells(const std::string& first,
                                                       const OperationCounts& counts);

}  // namespace lacuna
