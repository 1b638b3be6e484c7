// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/json_document.h>

#include <gtest/gtest.h>

#include <functional>

#include <lacuna/ntt/error.h>

namespace lacuna::detail {
namespace {

using nlohmann::json;

constexpr JsonLimits roomy{std::size_t{1} << 26, 32, std::size_t{1} << 25, std::size_t{1} << 24};

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

std::string error_of(const std::string& text, const JsonLimits& limits = roomy) {
    return error_of([&] { (void)parse_json(text, "text", limits); });
}

std::string repeated(const std::string& piece, std::size_t count) {
    std::string text;
    text.reserve(piece.size() * count);
    for (std::size_t i = 0; i < count; ++i) {
        text += piece;
    }
    return text;
}

/// {"layers": [{}, {}, ...]}
std::string objects(std::size_t count) {
    return R"({"layers":[)" + repeated("{},", count) + "{}]}";
}

TEST(JsonDocument, IsWhatTheOrdinaryParserMakesOfIt) {
    for (const char* text :
         {"null", " true ", "-1", "18446744073709551615", "1.5e3", R"("a\u00e9\n")", "[]", "{}",
          R"([1,[2,[],{"a":[{}]}],"x"])", R"({"b":{"a":[1,2,{"c":null}],"d":"e"},"a":[[],[[]]],"":0})",
          R"([{"a":1},{"a":2},{"b":{"a":3}}])"}) {
        EXPECT_EQ(parse_json(text, "text", roomy), json::parse(text)) << text;
        EXPECT_EQ(parse_json(text, "text", roomy).dump(), json::parse(text).dump());
    }
}

/// A builder that looks at a list again whenever an object in it ends needs 10^13 steps here.
TEST(JsonDocument, ObjectsInAListCostLinearTime) {
    constexpr std::size_t count = 4'000'000;
    EXPECT_EQ(parse_json(objects(count), "text", roomy)["layers"].size(), count + 1);
    const std::string deeper = R"({"a":{"b":[[)" + repeated(R"({"x":[]},)", count / 4) + R"({}]]}})";
    EXPECT_EQ(parse_json(deeper, "text", roomy)["a"]["b"][0].size(), count / 4 + 1);
}

TEST(JsonDocument, EveryValueIsVisitedOnce) {
    // A pause every 4096 values: twice the values, twice the pauses.
    const auto pauses = [](const std::string& text) {
        std::size_t count = 0;
        (void)parse_json(text, "text", roomy, [&] { ++count; });
        return count;
    };
    EXPECT_EQ(pauses(objects(4'000)), 0U);
    EXPECT_EQ(pauses(objects(40'960)), 10U);
    EXPECT_EQ(pauses(objects(81'920)), 20U);
    EXPECT_EQ(pauses(std::string("[") + repeated("[1,2],", 81'920 / 3 + 1) + "0]"), 20U);
}

TEST(JsonDocument, StopsWhenAsked) {
    std::size_t count = 0;
    const auto stop_at_third = [&] {
        if (++count == 3) {
            throw Error("enough");
        }
    };
    EXPECT_EQ(error_of([&] { (void)parse_json(objects(1'000'000), "text", roomy, stop_at_third); }),
              "enough");
    EXPECT_EQ(count, 3U);
}

TEST(JsonDocument, NamesTheLimitThatIsPassed) {
    const JsonLimits limits{100, 3, 6, 4};
    EXPECT_EQ(error_of("[[[1,2,3]]]", limits), "no error");
    EXPECT_EQ(error_of("[[[1,2,3,4]]]", limits),
              "text: expected at most 6 values, found more; this is no such document, or it is too large");
    EXPECT_EQ(error_of("[[[[]]]]", limits),
              "text: expected at most 3 levels of nesting, found more; make the document flatter");
    EXPECT_NE(error_of("[[],{},[],[]]", limits).find("at most 4 lists and objects"), std::string::npos);
    EXPECT_NE(error_of(std::string(101, ' '), limits).find("at most 100 bytes, found 101"),
              std::string::npos);
    // Values that are not looked at until the end of the text still count.
    EXPECT_NE(error_of(objects(1'000), {1 << 20, 32, 1 << 20, 999}).find("at most 999 lists"),
              std::string::npos);
    EXPECT_NE(error_of(std::string(10'000'000, '[')).find("32 levels"), std::string::npos);
}

TEST(JsonDocument, RefusesWhateverIsNotTheWholeText) {
    using namespace std::string_literals;
    EXPECT_NE(error_of("{}\0"s).find("NUL byte at offset 2"), std::string::npos) << error_of("{}\0"s);
    EXPECT_NE(error_of("{}\0{\"more\": 1}"s).find("NUL byte at offset 2"), std::string::npos);
    EXPECT_NE(error_of("{\0}"s).find("NUL byte at offset 1"), std::string::npos);
    EXPECT_NE(error_of("\0"s).find("NUL byte"), std::string::npos);
    for (const char* text : {"", "{", "{} x", "{}{}", "[1,]", "{\"a\":1,}", "nul", "'a'", "[1e999]",
                             "// a\n1", "\"\xff\"", "\"\x01\""}) {
        EXPECT_EQ(error_of(text).rfind("text: expected JSON, found a ", 0), 0U)
            << text << ": " << error_of(text);
        EXPECT_LT(error_of(text).size(), 300U);
    }
    EXPECT_EQ(error_of(R"({"a":1,"b":{"a":1},"a":2})"),
              "text: expected every field once, found \"a\" twice in one object; remove one");
    EXPECT_LT(error_of(std::string("{\"") + std::string(100'000, 'k') + "\": }").size(), 300U);
}

}  // namespace
}  // namespace lacuna::detail
