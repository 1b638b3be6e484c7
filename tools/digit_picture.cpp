// SPDX-License-Identifier: Apache-2.0
#include "tools/digit_picture.h"

#include <algorithm>
#include <string_view>

namespace lacuna {

namespace {

constexpr std::string_view shades = " .:-=+*#%@";
constexpr std::uint8_t dark = 32;  // what still counts as margin

}  // namespace

std::vector<std::string> digit_picture(std::span<const std::uint8_t> pixels, std::size_t rows,
                                       std::size_t columns) {
    std::size_t top = rows;
    std::size_t bottom = 0;
    std::size_t left = columns;
    std::size_t right = 0;
    for (std::size_t i = 0; i < rows * columns; ++i) {
        if (pixels[i] > dark) {
            top = std::min(top, i / columns);
            bottom = std::max(bottom, i / columns + 1);
            left = std::min(left, i % columns);
            right = std::max(right, i % columns + 1);
        }
    }
    std::vector<std::string> lines;
    for (std::size_t row = top; row < bottom; row += 2) {
        std::string& line = lines.emplace_back();
        for (std::size_t column = left; column < right; ++column) {
            const std::size_t above = pixels[row * columns + column];
            const std::size_t below = row + 1 < rows ? pixels[(row + 1) * columns + column] : 0;
            line += shades[(above + below) * (shades.size() - 1) / 510];
        }
    }
    return lines;
}

std::string side_by_side(const std::vector<CaptionedPicture>& pictures) {
    constexpr std::size_t gap = 3;
    std::size_t height = 0;
    for (const CaptionedPicture& picture : pictures) {
        height = std::max(height, picture.lines.size());
    }
    std::string text;
    for (std::size_t row = 0; row <= height; ++row) {
        std::string line = "  ";
        for (const CaptionedPicture& picture : pictures) {
            const std::size_t width =
                std::max(picture.lines.empty() ? 0 : picture.lines.front().size(), picture.caption.size()) +
                gap;
            std::string cell = row == height                ? picture.caption
                               : row < picture.lines.size() ? picture.lines[row]
                                                            : "";
            cell.resize(width, ' ');
            line += cell;
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

}  // namespace lacuna
