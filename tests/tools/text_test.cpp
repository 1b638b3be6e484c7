// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sstream>
#include <utility>

#include "tools/option_checks.h"
#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"

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

TEST(TerminalText, EscapesWhatATerminalWouldObey) {
    EXPECT_EQ(terminal_text("plan 7"), "plan 7");
    EXPECT_EQ(terminal_text("\x1b[2J\a\r\n\t\x7f"), "\\x1b[2J\\x07\\x0d\\x0a\\x09\\x7f");
    EXPECT_EQ(terminal_text(std::string("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(terminal_text("\xc2\x9b"
                            "31m"),
              "\\xc2\\x9b31m")
        << "C1 controls";
    EXPECT_EQ(terminal_text("\xe2\x80\xae"
                            "gpj"),
              "\\xe2\\x80\\xaegpj")
        << "writing from right to left";
    EXPECT_EQ(terminal_text("gr\xc3\xbc\xc3\x9f"
                            "e \xe2\x82\xac \xf0\x9f\x94\x92"),
              "gr\xc3\xbc\xc3\x9f"
              "e \xe2\x82\xac \xf0\x9f\x94\x92");
    EXPECT_EQ(terminal_text("\xff"
                            "a\xc3"),
              "\\xffa\\xc3")
        << "no UTF-8";
    EXPECT_EQ(terminal_text("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80"),
              "\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80")
        << "overlong, a surrogate, beyond the last code point";
}

TEST(TerminalText, ShortensInTheMiddle) {
    const std::string text = "begin" + std::string(1'000'000, 'x') + "end";
    const std::string shown = terminal_text(text);
    EXPECT_LT(shown.size(), 300U);
    EXPECT_TRUE(shown.starts_with("begin")) << shown;
    EXPECT_TRUE(shown.ends_with("end")) << shown;
    EXPECT_NE(shown.find("999808 bytes left out"), std::string::npos) << shown;
    // Wherever the cuts fall, no character is torn.
    std::string umlauts;
    for (int i = 0; i < 200; ++i) {
        umlauts += "\xc3\xbc";
        EXPECT_EQ(terminal_text(umlauts, 50).find('\\'), std::string::npos);
        EXPECT_EQ(terminal_text("x" + umlauts, 50).find('\\'), std::string::npos);
    }
}

TEST(Table, EscapesItsCells) {
    Table table({"field", "value"}, true);
    table.add({"model", "\x1b]0;owned\a" + std::string(10'000, 'y')});
    std::ostringstream text;
    text << table;
    EXPECT_EQ(text.str().find('\x1b'), std::string::npos);
    EXPECT_LT(text.str().size(), 3'000U);
}

TEST(OptionChecks, IntegersAreDecimal) {
    CLI::App app;
    int value = 0;
    app.add_option("--value", value)->transform(decimal());
    for (const auto& [text, expected] :
         std::vector<std::pair<std::string, int>>{{"010", 10}, {"8", 8}, {"0", 0}, {"000", 0}, {"-07", -7}}) {
        app.parse({text, "--value"});  // the vector is read from its end
        EXPECT_EQ(value, expected) << text;
    }
    for (const std::string text : {"0x10", "1e3", "", "ten", "+"}) {
        EXPECT_THROW(app.parse({text, "--value"}), CLI::ParseError) << text;
    }
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

}  // namespace
}  // namespace lacuna
