// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lacuna {

/// Bytes that `count` words of `bits` bits take when packed: the last byte is filled up with zero bits.
[[nodiscard]] constexpr std::uint64_t packed_bytes(std::uint64_t count, int bits) {
    return (count * static_cast<std::uint64_t>(bits) + 7) / 8;
}

/// How many bits hold every word in [0, bound); bound >= 2.
[[nodiscard]] constexpr int bits_below(std::uint64_t bound) {
    int bits = 0;
    for (std::uint64_t largest = bound - 1; largest != 0; largest >>= 1) {
        ++bits;
    }
    return bits;
}

}  // namespace lacuna
