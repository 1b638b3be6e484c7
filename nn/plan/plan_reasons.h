// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// Plan::reasons, from the rest of the plan. batch: PlanRequest::batch.
[[nodiscard]] std::vector<std::string> explain(const Plan& plan, std::size_t batch);

}  // namespace lacuna
