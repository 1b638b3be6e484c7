// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace lacuna {

/// What a program leaves open until noise decides.
struct Choices {
    bool unscaled = false;  ///< whether the first activation is an unscaled (BGV-style) square
    std::vector<std::size_t>
        limbs;                    ///< the level that each stage starts from, at most that of the one before
    std::size_t reply_limbs = 0;  ///< the reply's; 0: as it comes
};

}  // namespace lacuna
