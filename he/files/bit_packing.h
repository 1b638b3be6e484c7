// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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

/// Writes words of `bits` bits, 1 ... 63, one after another, lowest bit first: bit k of the result is bit k %
/// 8 of byte k / 8, and word i begins at bit i * bits. Every word must be below 2^bits; `bytes` must have
/// packed_bytes() bytes.
void pack_bits(std::span<const std::uint64_t> words, int bits, std::span<std::uint8_t> bytes);

/// The inverse: fills `words` from packed_bytes() bytes. Returns whether the bits behind the last word are
/// zero.
[[nodiscard]] bool unpack_bits(std::span<const std::uint8_t> bytes, int bits, std::span<std::uint64_t> words);

}  // namespace lacuna
