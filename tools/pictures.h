// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include <lacuna/nn/model/model.h>

namespace lacuna {

/// The images of a file for a network whose input has this shape: pixels 0 ... 255, channel-major, one image
/// after another, at most `most` of them. PNG (grey for one channel, red-green-blue for three), PGM (P2 and
/// P5), IDX (many images, plain or gzip-compressed) and CSV (an image a line, its pixels channel-major as
/// integers 0 ... 255) are told apart by their first bytes, CSV by its name. The file is read once, from its
/// start to its end: it may be a pipe. It is read no further than so many images can be long.
///
/// Of a PNG of any kind (1 to 16 bits, palette, transparency, interlaced) the samples count as they are
/// stored, whatever gamma it states, in proportion to their range: 16 bits v become round(255 v / 65535).
/// What is transparent is laid on black. Where one channel is asked for and the image has colours, they
/// become grey with ITU-R 601's weights 0.299, 0.587, 0.114, as in most programs that prepare training
/// images.
///
/// Throws Error that names the file, what was expected and what was found: for another size, more images,
/// damage, or another format.
[[nodiscard]] std::vector<std::uint8_t> read_pictures(const std::filesystem::path& file, const Shape& shape,
                                                      std::size_t most);

}  // namespace lacuna
