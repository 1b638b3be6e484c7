// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <lacuna/nn/model/shape.h>

namespace lacuna {

enum class ColourChoice { automatic, always, never };

/// The words for it on a command line.
[[nodiscard]] const std::map<std::string, ColourChoice>& colour_choices();

/// Whether text on standard output may have colours of 24 bits and block characters. Automatic: where
/// standard output is a terminal, $COLORTERM is truecolor or 24bit, the locale's characters are UTF-8, and
/// $NO_COLOR is empty.
[[nodiscard]] bool colours_wanted(ColourChoice choice);

/// How many pictures so wide a terminal has room for, of so many that there are.
[[nodiscard]] std::size_t pictures_shown(std::size_t width, std::size_t count);

/// A picture as lines of text, `columns` characters wide each, with a caption below.
struct CaptionedPicture {
    std::vector<std::string> lines;
    std::size_t columns = 0;
    std::string caption;
};

/// A grey image as lines of text, all of one width: bright pixels as dense characters, a character for two
/// pixels one above the other (characters are about twice as high as wide), dark margins cut off. pixels:
/// rows x columns, 0 ... 255.
[[nodiscard]] std::vector<std::string> digit_picture(std::span<const std::uint8_t> pixels, std::size_t rows,
                                                     std::size_t columns);

/// An image of one channel, or of three (red, green, blue), pixels channel-major, without a caption yet. In
/// colour: an upper half block for two pixels, the one above as its foreground, the one below as its
/// background (ECMA-48's SGR with 24 bits). Else grey, as digit_picture(), colours weighted as
/// read_pictures() does, and photographs with their margins.
[[nodiscard]] CaptionedPicture terminal_picture(std::span<const std::uint8_t> pixels, const Shape& shape,
                                                bool colour);

/// Pictures side by side, aligned at the top, with the captions below them.
[[nodiscard]] std::string side_by_side(const std::vector<CaptionedPicture>& pictures);

}  // namespace lacuna
