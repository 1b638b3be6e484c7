// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <lacuna/rns/random.h>

namespace lacuna::testing {

inline Seed counting_seed() {
    Seed seed;
    for (std::size_t i = 0; i < seed.size(); ++i) {
        seed[i] = static_cast<std::uint8_t>(i);
    }
    return seed;
}

}  // namespace lacuna::testing
