// SPDX-License-Identifier: Apache-2.0
#include "tools/terminal_picture.h"

#include <gtest/gtest.h>

#include <vector>

namespace lacuna {
namespace {

TEST(DigitPicture, CropsAndShades) {
    // Four rows and four columns; bright in the middle two columns of the lower half.
    const std::vector<std::uint8_t> pixels = {0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 0, 0};
    EXPECT_EQ(digit_picture(pixels, 4, 4), (std::vector<std::string>{"@="}));
    EXPECT_TRUE(digit_picture(std::vector<std::uint8_t>(16, 0), 4, 4).empty());
    EXPECT_EQ(digit_picture(std::vector<std::uint8_t>{255}, 1, 1), (std::vector<std::string>{"="}));
}

TEST(TerminalPicture, StandsSideBySideWithCaptions) {
    EXPECT_EQ(side_by_side({{{"##", "##"}, 2, "one"}, {{"@@@@@"}, 5, "two"}}),
              "  ##    @@@@@\n"
              "  ##\n"
              "  one   two\n");
}

/// Three rows of one column: red, green, blue.
const std::vector<std::uint8_t> rgb = {255, 0, 0, 0, 255, 0, 0, 0, 255};

TEST(TerminalPicture, HalfBlocksHaveTwoPixelsColours) {
    const CaptionedPicture picture = terminal_picture(rgb, {3, 3, 1}, true);
    EXPECT_EQ(picture.columns, 1U);
    EXPECT_EQ(picture.lines, (std::vector<std::string>{
                                 "\x1b[38;2;255;0;0;48;2;0;255;0m\xe2\x96\x80\x1b[0m",
                                 "\x1b[38;2;0;0;255;49m\xe2\x96\x80\x1b[0m",
                             }));
    // Columns, not bytes, are what stands side by side.
    EXPECT_EQ(side_by_side({picture, {{"|", "|"}, 1, ""}}),
              "  " + picture.lines[0] + "   |\n" + "  " + picture.lines[1] + "   |\n\n");
}

TEST(TerminalPicture, ColoursBecomeGreyWhereATerminalHasNone) {
    // Red 76, green 150, blue 29: nine shades above the blank.
    const CaptionedPicture picture = terminal_picture(rgb, {3, 3, 1}, false);
    EXPECT_EQ(picture.lines, (std::vector<std::string>{"-", " "}));
    EXPECT_EQ(terminal_picture(std::vector<std::uint8_t>(12, 255), {3, 2, 2}, false).lines,
              (std::vector<std::string>{"@@"}));
}

TEST(TerminalPicture, ColoursAreWantedWhereTheyAreAskedFor) {
    EXPECT_TRUE(colours_wanted(ColourChoice::always));
    EXPECT_FALSE(colours_wanted(ColourChoice::never));
}

}  // namespace
}  // namespace lacuna
