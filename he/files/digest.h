// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lacuna {

/// What the checksum of a file comes to: the first 16 bytes of its SHA-256.
using Digest = std::array<std::uint8_t, 16>;

/// Ties the records of one stream together: the checksum of each covers that of the one before, so that a
/// record which is missing, moved or from another stream is found.
using Chain = std::optional<Digest>;

/// Lower-case hexadecimal digits.
[[nodiscard]] std::string format_hash(std::span<const std::uint8_t> bytes);
/// What format_hash() wrote of a digest; none where the text is anything else.
[[nodiscard]] std::optional<Digest> parse_digest(std::string_view text);

}  // namespace lacuna
