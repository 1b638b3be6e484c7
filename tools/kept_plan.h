// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <stop_token>

#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// The plan that this file keeps, as `lacuna plan --out` writes it; where there is no such file, a new plan,
/// which is written there for the next time. Throws Error where the file keeps a plan of another model, or
/// one that was not made as the request says; for how many images is not compared.
[[nodiscard]] Plan kept_plan(const std::filesystem::path& file, const Model& model,
                             const PlanRequest& request, const std::stop_token& stop = {});

}  // namespace lacuna
