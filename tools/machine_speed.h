// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lacuna/he/fv/parameters.h>

namespace lacuna {

/// How many real nanoseconds a nominal one of nn/plan/plan.h takes on this machine with the active kernel: a
/// number- theoretic transform of the plan's ring is timed for a few milliseconds. parameters: resolved.
[[nodiscard]] double seconds_per_nominal_second(const Parameters& parameters);

}  // namespace lacuna
