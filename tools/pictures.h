// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "nn/model.h"

namespace lacuna {

/// The images of a file for a network whose input has this shape: pixels 0 ... 255, channel-major, one image
/// after another. PNG (grey for one channel, red-green-blue for three; transparency on black), PGM (P2 and
/// P5), IDX (many images, plain or gzip-compressed) and CSV (an image a line, its pixels channel-major as
/// integers 0 ... 255) are told apart by their first bytes, CSV by its name. Throws Error that names the
/// file, what was expected and what was found: for another size, damage, or another format.
[[nodiscard]] std::vector<std::uint8_t> read_pictures(const std::filesystem::path& file, const Shape& shape);

}  // namespace lacuna
