// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <lacuna/he/fv/packed_size.h>

namespace lacuna {

/// Writes words of `bits` bits, 1 ... 63, one after another, lowest bit first: bit k of the result is bit k %
/// 8 of byte k / 8, and word i begins at bit i * bits. Every word must be below 2^bits; `bytes` must have
/// packed_bytes() bytes.
void pack_bits(std::span<const std::uint64_t> words, int bits, std::span<std::uint8_t> bytes);

/// The inverse: fills `words` from packed_bytes() bytes. Returns whether the bits behind the last word are
/// zero.
[[nodiscard]] bool unpack_bits(std::span<const std::uint8_t> bytes, int bits, std::span<std::uint64_t> words);

}  // namespace lacuna
