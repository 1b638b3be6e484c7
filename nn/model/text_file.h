// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace lacuna {

/// A text file that may be anybody's. Inside the library only.
struct TextFile {
    std::string text;
    bool whole = true;                  ///< else it is longer than was allowed, and `text` is empty
    std::optional<std::uint64_t> size;  ///< of the file, where that can be known: not of pipes and devices
};

/// Reads a file, or a pipe to its end, unless it has more than `most` bytes: then no more than that is read,
/// and nothing where the size is known beforehand. Throws Error that names a file that cannot be read, and
/// Stopped where a stop was requested.
[[nodiscard]] TextFile read_text(const std::filesystem::path& file, std::size_t most,
                                 const std::stop_token& stop = {});

}  // namespace lacuna
