// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sstream>

#include "tools/digit_picture.h"
#include "tools/quantity.h"
#include "tools/table.h"

namespace lacuna {
namespace {

TEST(Quantity, ReadsWell) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(999), "999 B");
    EXPECT_EQ(bytes_text(1'000), "1.00 kB");
    EXPECT_EQ(bytes_text(51'400'000), "51.4 MB");
    EXPECT_EQ(bytes_text(999'600'000), "1.00 GB");
    EXPECT_EQ(seconds_text(0.0123), "12.3 ms");
    EXPECT_EQ(seconds_text(4.5), "4.50 s");
    EXPECT_EQ(seconds_text(125), "2 min 05 s");
    EXPECT_EQ(count_text(0), "0");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(count_text(67'194), "67,194");
    EXPECT_EQ(count_text(46'200'000), "46,200,000");
}

TEST(Table, AlignsColumns) {
    Table table({"layer", "adds", "why"}, true);
    table.add({"conv1", "1,234", "a long reason"});
    table.add({"fc", "5"});
    std::ostringstream text;
    text << table;
    EXPECT_EQ(text.str(),
              "  layer   adds  why\n"
              "  conv1  1,234  a long reason\n"
              "  fc         5\n");
}

TEST(DigitPicture, CropsAndShades) {
    // Four rows and four columns; bright in the middle two columns of the lower half.
    const std::vector<std::uint8_t> pixels = {0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 0, 0};
    EXPECT_EQ(digit_picture(pixels, 4, 4), (std::vector<std::string>{"@="}));
    EXPECT_TRUE(digit_picture(std::vector<std::uint8_t>(16, 0), 4, 4).empty());
    EXPECT_EQ(digit_picture(std::vector<std::uint8_t>{255}, 1, 1), (std::vector<std::string>{"="}));
}

TEST(DigitPicture, StandsSideBySideWithCaptions) {
    EXPECT_EQ(side_by_side({{{"##", "##"}, "one"}, {{"@@@@@"}, "two"}}),
              "  ##    @@@@@\n"
              "  ##\n"
              "  one   two\n");
}

}  // namespace
}  // namespace lacuna
