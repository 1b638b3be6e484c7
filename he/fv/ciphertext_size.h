// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lacuna {

/// Most parts of a ciphertext: of a square of a square that nobody relinearised.
inline constexpr std::size_t max_ciphertext_parts = 5;

}  // namespace lacuna
