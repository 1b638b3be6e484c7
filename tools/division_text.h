// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <lacuna/nn/plan/division.h>
#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// What ranks do of a plan and what moves between them, for people: a line for every line of the plan.
/// bits_per_second: into and out of each.
[[nodiscard]] std::string division_text(const Plan& plan, const Division& division, double bits_per_second);
/// The same for programs; bytes are those of one request, seconds as estimated.
[[nodiscard]] nlohmann::ordered_json division_json(const Plan& plan, const Division& division,
                                                   double bits_per_second);

}  // namespace lacuna
