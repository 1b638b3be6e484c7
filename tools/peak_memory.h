// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lacuna {

/// The most memory that this process has had so far.
[[nodiscard]] std::uint64_t peak_memory_bytes();

}  // namespace lacuna
