// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/he/settings.h"

namespace lacuna::bench {

/// Adds the benchmarks of the fused sparse product for a setting.
void register_sparse(const Setting& setting);

}  // namespace lacuna::bench
