// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// Throws Error that names `source`, where the keys come from, unless they are all that the plan asks for:
/// those of another plan may lack some.
void check_evaluation_keys(const ClientPlan& plan, const EvaluationKeys& keys, const std::string& source);

/// Whether there is any key among them. Those of earlier releases may hold none; then the checksum that names
/// the key set is every client's.
[[nodiscard]] bool names_a_client(const EvaluationKeys& keys);

}  // namespace lacuna
