// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lacuna {

/// A grey image as lines of text, all of one width: bright pixels as dense characters, a character for two
/// pixels one above the other (characters are about twice as high as wide), dark margins cut off. pixels:
/// rows x columns, 0 ... 255.
[[nodiscard]] std::vector<std::string> digit_picture(std::span<const std::uint8_t> pixels, std::size_t rows,
                                                     std::size_t columns);

/// Pictures side by side, aligned at the top, with a caption below each.
struct CaptionedPicture {
    std::vector<std::string> lines;
    std::string caption;
};
[[nodiscard]] std::string side_by_side(const std::vector<CaptionedPicture>& pictures);

}  // namespace lacuna
