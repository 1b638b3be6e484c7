// SPDX-License-Identifier: Apache-2.0
#include "tools/terminal_picture.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace lacuna {

namespace {

constexpr std::string_view shades = " .:-=+*#%@";
constexpr std::uint8_t dark = 32;  // what still counts as margin
constexpr std::size_t narrow = 28;
constexpr std::size_t gap = 3;

/// A variable's value, empty where it is not set.
std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// By the variables that a locale is chosen by, the first that is set (POSIX, 8.2).
bool locale_is_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        std::string value = variable(name);
        if (!value.empty()) {
            std::ranges::transform(value, value.begin(),
                                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
        }
    }
    return false;
}

/// The rows and columns [top, bottom) x [left, right) of an image that are drawn.
struct Frame {
    std::size_t top, bottom, left, right;
};

/// Two rows of pixels a line.
std::vector<std::string> grey_lines(std::span<const std::uint8_t> pixels, std::size_t rows,
                                    std::size_t columns, const Frame& frame) {
    std::vector<std::string> lines;
    for (std::size_t row = frame.top; row < frame.bottom; row += 2) {
        std::string& line = lines.emplace_back();
        for (std::size_t column = frame.left; column < frame.right; ++column) {
            const std::size_t above = pixels[row * columns + column];
            const std::size_t below = row + 1 < rows ? pixels[(row + 1) * columns + column] : 0;
            line += shades[(above + below) * (shades.size() - 1) / 510];
        }
    }
    return lines;
}

std::vector<std::uint8_t> grey_of(std::span<const std::uint8_t> pixels, std::size_t count) {
    std::vector<std::uint8_t> grey(count);
    for (std::size_t i = 0; i < count; ++i) {  // in thousandths, rounded
        const unsigned sum = 299U * pixels[i] + 587U * pixels[count + i] + 114U * pixels[2 * count + i];
        grey[i] = static_cast<std::uint8_t>((sum + 500) / 1000);
    }
    return grey;
}

std::vector<std::string> colour_lines(std::span<const std::uint8_t> pixels, const Shape& shape) {
    const std::size_t plane = shape.height * shape.width;
    const auto code = [&](std::size_t row, std::size_t column) {
        std::string text;
        for (std::size_t channel = 0; channel < 3; ++channel) {
            text += ";" + std::to_string(pixels[channel * plane + row * shape.width + column]);
        }
        return text;
    };
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < shape.height; row += 2) {
        std::string& line = lines.emplace_back();
        for (std::size_t column = 0; column < shape.width; ++column) {
            line += "\x1b[38;2" + code(row, column);
            line += row + 1 < shape.height ? ";48;2" + code(row + 1, column) : ";49";
            line += "m\xe2\x96\x80";  // U+2580, the upper half block
        }
        line += "\x1b[0m";
    }
    return lines;
}

}  // namespace

const std::map<std::string, ColourChoice>& colour_choices() {
    static const std::map<std::string, ColourChoice> choices = {
        {"auto", ColourChoice::automatic}, {"always", ColourChoice::always}, {"never", ColourChoice::never}};
    return choices;
}

bool colours_wanted(ColourChoice choice) {
    if (choice != ColourChoice::automatic) {
        return choice == ColourChoice::always;
    }
    const std::string depth = variable("COLORTERM");
    return ::isatty(STDOUT_FILENO) == 1 && (depth == "truecolor" || depth == "24bit") &&
           variable("NO_COLOR").empty() && locale_is_utf8();
}

std::size_t pictures_shown(std::size_t width, std::size_t count) {
    return std::min<std::size_t>(count, width > narrow ? 2 : 3);
}

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
    return grey_lines(pixels, rows, columns, {top, bottom, left, right});
}

CaptionedPicture terminal_picture(std::span<const std::uint8_t> pixels, const Shape& shape, bool colour) {
    CaptionedPicture picture;
    picture.columns = shape.width;
    if (shape.channels != 3) {
        picture.lines = digit_picture(pixels, shape.height, shape.width);
        picture.columns = picture.lines.empty() ? 0 : picture.lines.front().size();
    } else if (colour) {
        picture.lines = colour_lines(pixels, shape);
    } else {
        picture.lines = grey_lines(grey_of(pixels, shape.height * shape.width), shape.height, shape.width,
                                   {0, shape.height, 0, shape.width});
    }
    return picture;
}

std::string side_by_side(const std::vector<CaptionedPicture>& pictures) {
    std::size_t height = 0;
    for (const CaptionedPicture& picture : pictures) {
        height = std::max(height, picture.lines.size());
    }
    std::string text;
    for (std::size_t row = 0; row <= height; ++row) {
        std::string line = "  ";
        for (const CaptionedPicture& picture : pictures) {
            const bool drawn = row < picture.lines.size();
            const std::size_t taken = row == height ? picture.caption.size() : drawn ? picture.columns : 0;
            line += row == height ? picture.caption : drawn ? picture.lines[row] : "";
            line.append(std::max(picture.columns, picture.caption.size()) + gap - taken, ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

}  // namespace lacuna
