// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lacuna/nn/plan/lane.h>
#include <lacuna/nn/plan/plan.h>
#include "tools/machines/message_bytes.h"

namespace lacuna {

/// What a rank needs of a plan to run it: the client's half, the program and its lines, and the layout of the
/// packed packing. Rank 0 has proven it; reasons and accounts stay there.
void write_plan(MessageWriter& writer, const Plan& plan);
[[nodiscard]] Plan read_plan(MessageReader& reader);

void write_lane(MessageWriter& writer, const LaneDivision& division);
[[nodiscard]] LaneDivision read_lane(MessageReader& reader);

}  // namespace lacuna
