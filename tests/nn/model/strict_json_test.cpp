// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/strict_json.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include "tests/support/messages.h"

namespace lacuna::testing {
namespace {

using namespace strict_json;

const std::string source = "file.json";  // a path keeps no copy of it
const FieldPath root(source, "see the format page");

json parsed(const std::string& text) {
    return parse_document(text, root, small_document);
}

TEST(StrictJson, PathsNameTheirPlace) {
    EXPECT_EQ(root.text(), "file.json");
    const FieldPath layers(root, "layers");
    const FieldPath third(layers, 2);
    const FieldPath weights(third, "weights");
    EXPECT_EQ(FieldPath(weights, 7).text(), "file.json: layers[2].weights[7]");
    EXPECT_STREQ(weights.documentation(), "see the format page");
    EXPECT_EQ(message_of([&] { fail(third, "a layer", "7", "write one"); }),
              "file.json: layers[2]: expected a layer, found 7; write one");
}

TEST(StrictJson, ReadsWhatIsAsked) {
    const json document = parsed(R"({"a": [1, 2, 3], "b": true, "c": -2.5, "d": "x", "e": [3, 28, 28]})");
    EXPECT_NO_THROW(check_object(document, root, {"a", "b", "c", "d", "e", "f"}));
    EXPECT_EQ(array(member(document, root, "a"), root).size(), 3U);
    EXPECT_EQ(array_of(document["a"], root, 3).size(), 3U);
    EXPECT_TRUE(boolean(document["b"], root));
    EXPECT_EQ(number(document["c"], root), -2.5);
    EXPECT_EQ(text_of(document["d"], root), "x");
    EXPECT_EQ(dimensions(document["e"], root, 28), (std::vector<std::size_t>{3, 28, 28}));
    EXPECT_EQ(thresholds(document["e"], root), (std::vector<int>{3, 28, 28}));
}

TEST(StrictJson, IntegersKeepTheirBounds) {
    for (const std::int64_t value : {-5, 0, 9}) {
        EXPECT_EQ(integer(json(value), root, -5, 9), value);
    }
    EXPECT_EQ(count(json(9), root, 0, 9), 9U);
    for (const char* text : {"-6", "10", "1.0", "\"1\"", "true", "null", "[1]", "1e3", "18446744073709551615",
                             "9223372036854775808", "-9223372036854775808"}) {
        expect_mentions(message_of([&] { (void)integer(parsed(text), root, -5, 9); }),
                        {"file.json: expected an integer from -5 to 9, found"});
        EXPECT_THROW((void)count(parsed(text), root, 0, 9), Error) << text;
    }
}

TEST(StrictJson, SaysWhatIsWrongWithEveryOtherValue) {
    const FieldPath place(root, "field");
    for (const char* text : {"null", "7", "\"seven\"", "[7, 8]", "{\"seven\": 7}", "true"}) {
        const json value = parsed(text);
        const auto refused = [&](bool fits, const auto& read, const char* expected) {
            const std::string message = message_of([&] { (void)read(); });
            EXPECT_EQ(message.empty(), fits) << text << ": " << message;
            if (!fits) {
                expect_mentions(message, {"file.json: field: expected " + std::string(expected), "found"});
            }
        };
        refused(
            value.is_boolean(), [&] { return boolean(value, place); }, "true or false");
        refused(
            value.is_number(), [&] { return number(value, place); }, "a number");
        refused(
            value.is_string(), [&] { return text_of(value, place); }, "a string");
        refused(
            value.is_array(), [&] { return array(value, place).size(); }, "an array");
        refused(
            false, [&] { return array_of(value, place, 3).size(); }, "an array of 3");
        refused(
            value.is_object(),
            [&] {
                check_object(value, place, {"seven"});
                return 0;
            },
            "an object");
    }
    expect_mentions(message_of([&] {
                        check_object(parsed(R"({"a": 1, "z": 2})"), root, {"a", "b"});
                    }),
                    {"only the fields a, b", "\"z\""});
    expect_mentions(message_of([&] { (void)member(parsed("{}"), root, "layers"); }),
                    {"a field 'layers', found none"});
    EXPECT_THROW((void)dimensions(parsed("[1, 2]"), root, 4), Error);
    EXPECT_THROW((void)dimensions(parsed("[1, 2, 5]"), root, 4), Error);
    EXPECT_THROW((void)dimensions(parsed("[0, 2, 4]"), root, 4), Error);
    EXPECT_THROW((void)thresholds(parsed("[1, 256]"), root), Error);
    EXPECT_THROW((void)thresholds(parsed("[0]"), root), Error);
}

TEST(StrictJson, ValuesInMessagesAreShortLinesOfAscii) {
    EXPECT_EQ(describe(parsed("{\"a\": 1}")), "an object");
    EXPECT_EQ(describe(parsed("[1, 2]")), "an array of 2");
    EXPECT_EQ(describe(json("a\nb")), "\"a\\nb\"");
    EXPECT_EQ(describe(json("\xc3\xa9")), "\"\\u00e9\"");
    EXPECT_LE(describe(json(std::string(1000, 'x'))).size(), 70U);
    EXPECT_NO_THROW((void)describe(json("\xff")));
}

TEST(StrictJson, FormatsAndVersionsAreChecked) {
    const auto problem = [](const std::string& text) {
        return message_of([&] {
            check_format(parsed(text), root, "a thing", "lacuna-thing", {2}, "give one", "write it anew");
        });
    };
    EXPECT_EQ(problem(R"({"format": "lacuna-thing", "version": 2})"), "");
    for (const char* text :
         {"7", "[]", "{}", R"({"format": "lacuna-model", "version": 2})", R"({"format": 7})"}) {
        expect_mentions(problem(text), {"a thing: an object whose format is \"lacuna-thing\"", "give one"});
    }
    for (const char* text :
         {R"({"format": "lacuna-thing"})", R"({"format": "lacuna-thing", "version": 3})",
          R"({"format": "lacuna-thing", "version": 2.0})", R"({"format": "lacuna-thing", "version": "2"})"}) {
        expect_mentions(problem(text), {"file.json: version: expected 2", "write it anew"});
    }
}

TEST(StrictJson, ParsingStopsWhenAsked) {
    std::string text = "[";
    for (int i = 0; i < 10'000; ++i) {
        text += "0,";
    }
    text += "0]";
    std::stop_source stop;
    EXPECT_EQ(parse_document(text, root, small_document, stop.get_token()).size(), 10'001U);
    stop.request_stop();
    EXPECT_THROW((void)parse_document(text, root, small_document, stop.get_token()), Stopped);
    EXPECT_THROW((void)parse_document("[" + text + ", " + text + "]", root, small_document), Error);
}

}  // namespace
}  // namespace lacuna::testing
