// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <lacuna/rns/sparse_map.h>
#include "bench/he/settings.h"

namespace lacuna::bench {

/// The sparse layer whose terms are timed: 100 rows of 160 weights +-1, +-2, +-4 or +-8 over 845 inputs, as
/// the first dense layer of a pruned CryptoNets has them.
inline constexpr std::size_t sparse_inputs = 845;
[[nodiscard]] std::vector<std::vector<SparseTerm>> sparse_rows();

/// Adds the benchmarks of the fused sparse product for a setting.
void register_sparse(const Setting& setting);

}  // namespace lacuna::bench
