// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/input_features.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/ntt/error.h>
#include "tests/support/messages.h"

namespace lacuna::testing {
namespace {

const Shape shape{2, 2, 3};

/// Lists for two channels, and for twelve elements, of different lengths.
const std::vector<std::vector<int>> per_channel = {{10, 20, 200}, {128}};
std::vector<std::vector<int>> per_element() {
    std::vector<std::vector<int>> lists;
    for (int e = 0; e < 12; ++e) {
        lists.emplace_back();
        for (int i = 0; i <= e; ++i) {
            lists.back().push_back(1 + e + 7 * i);
        }
    }
    return lists;
}

/// One dense layer of three logits over all elements.
Model model_of(const InputFeatures& features) {
    Model model;
    model.name = "features";
    model.input_shape = shape;
    model.features = features;
    if (features.thresholds.empty()) {
        model.thresholds = {64, 128};
    }
    model.layers.push_back({"flatten", Flatten{}});
    Dense dense{{12, std::vector<std::vector<WeightTerm>>(3)}, {5, -6, 0}};
    for (std::uint32_t e = 0; e < 12; ++e) {
        dense.weights.rows[0].push_back({e, static_cast<std::int64_t>(e) - 20});
        dense.weights.rows[e % 2 + 1].push_back({e, 3});
    }
    model.layers.push_back({"dense", std::move(dense)});
    return model;
}

/// The level straight from the definition.
int level(const std::vector<std::vector<int>>& lists, std::size_t element, int pixel) {
    int count = 0;
    for (const int threshold : lists[element * lists.size() / shape.size()]) {
        count += threshold <= pixel ? 1 : 0;
    }
    return count;
}

TEST(InputFeatures, LevelsCountTheElementsOwnThresholds) {
    for (const auto& lists : {per_channel, per_element()}) {
        const Model model = model_of({lists, {}});
        validate(model, "test");
        const LevelTable table({}, model.features, shape);
        for (std::size_t e = 0; e < shape.size(); ++e) {
            for (int pixel = 0; pixel < 256; ++pixel) {
                const auto byte = static_cast<std::uint8_t>(pixel);
                ASSERT_EQ(table.level(e, byte), level(lists, e, pixel)) << e << ' ' << pixel;
                ASSERT_EQ(model.quantise(byte, e), level(lists, e, pixel));
            }
            EXPECT_EQ(model.input_maximum(e), level(lists, e, 255));
        }
    }
    EXPECT_EQ(model_of({per_channel, {}}).input_maximum(), 3);
}

TEST(InputFeatures, OneListServesAllElements) {
    const LevelTable table({64, 128}, {}, shape);
    for (std::size_t e = 0; e < shape.size(); ++e) {
        EXPECT_EQ(table.level(e, 63), 0);
        EXPECT_EQ(table.level(e, 64), 1);
        EXPECT_EQ(table.level(e, 255), 2);
    }
}

TEST(InputFeatures, TheReferenceAndItsRangesSeeThem) {
    const auto lists = per_element();
    const Model model = model_of({lists, {}});
    std::vector<std::uint8_t> pixels;
    std::vector<long> expected = {5, -6, 0};
    std::vector<long> high = expected;
    std::vector<long> low = expected;
    for (std::size_t e = 0; e < shape.size(); ++e) {
        pixels.push_back(static_cast<std::uint8_t>(20 + 11 * e));
        const long weight = static_cast<long>(e) - 20;
        expected[0] += weight * level(lists, e, pixels.back());
        expected[e % 2 + 1] += 3L * level(lists, e, pixels.back());
        low[0] += weight * static_cast<long>(e + 1);
        high[e % 2 + 1] += 3 * static_cast<long>(e + 1);
    }
    const auto logits = Reference(model).logits(pixels);
    const SlotRanges ranges = slot_ranges(model);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(logits[i], expected[i]);
        EXPECT_EQ(ranges.values.back()[i], (Interval{low[i], high[i]}));
    }
    // Eight levels need four digits: degree 3.
    EXPECT_EQ(
        radix_ranges(model_of({{{1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 4, 5, 6, 7, 8}}, {}})).layers[0].degree(),
        3U);
}

TEST(InputFeatures, NumbersBecomePixels) {
    const Shape table{3, 1, 1};
    const InputFeatures features{{}, {{0, 255}, {-1, 1}, {1e-3, 2e-3}}};
    // Halves go to the even pixel; beyond the range is its end.
    const std::vector<double> numbers = {0.5, -1, 1e-3, 1.5, 0, 1.5e-3, -7, 2, 3e-3, 254.5, 1, 1.999e-3};
    EXPECT_EQ(pixels_of(features, table, numbers),
              (std::vector<std::uint8_t>{0, 0, 0, 2, 128, 128, 0, 255, 255, 254, 255, 255}));
    EXPECT_EQ(pixels_of({{}, {{0, 1}, {0, 2}}}, {2, 1, 2}, std::vector<double>{1, 0, 1, 0}),
              (std::vector<std::uint8_t>{255, 0, 128, 0}));
    expect_mentions(message_of([&] { (void)pixels_of({}, table, numbers); }), {"no ranges", "import"});
    expect_mentions(message_of([&] { (void)pixels_of(features, table, std::span(numbers).first(4)); }),
                    {"inputs of 3 numbers", "found 4"});
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        expect_mentions(message_of([&] {
                            (void)pixels_of(features, table, std::vector<double>{0, 0, 0, 0, bad, 0});
                        }),
                        {"finite", "element 1"});
    }
}

TEST(InputFeatures, OfAModelMakeItsFileVersionTwo) {
    Model model = model_of({per_channel, {{-0.1, 1.0 / 3}, {2, 1e300}}});
    const std::string text = format_model(model);
    EXPECT_NE(text.find("\"version\": 2"), std::string::npos) << text;
    const Model read = parse_model(text, "again");
    EXPECT_EQ(read.features, model.features);
    EXPECT_TRUE(read.thresholds.empty());
    EXPECT_EQ(format_model(read), text);
    EXPECT_NE(digest(model), digest(model_of({per_channel, {}})));
    // Without features it is version 1, as it was.
    model = model_of({});
    EXPECT_NE(format_model(model).find("\"version\": 1"), std::string::npos);
    EXPECT_EQ(parse_model(format_model(model), "again").thresholds, model.thresholds);
}

TEST(InputFeatures, WrongOnesAreRefusedByTheirPlace) {
    const auto problem = [](const std::string& input, int version = 2) {
        return message_of([&] {
            (void)parse_model("{\"format\": \"lacuna-model\", \"version\": " + std::to_string(version) +
                                  ", \"name\": \"a\", \"input\": {\"shape\": [2, 2, 3], " + input +
                                  "}, \"layers\": [{\"type\": \"flatten\", \"name\": \"f\"}]}",
                              "m.json");
        });
    };
    EXPECT_EQ(problem(R"("thresholds": [[1], [2, 3]])"), "");
    EXPECT_EQ(problem(R"("thresholds": [1], "low": [0, 0], "high": [1, 2])"), "");
    expect_mentions(problem(R"("thresholds": [[1], [2, 3]])", 1),
                    {"m.json: input.thresholds[0]", "an array of 1"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0, 0], "high": [1, 2])", 1),
                    {"m.json: input: expected only the fields shape, thresholds"});
    expect_mentions(problem(R"("thresholds": [[1]])"),
                    {"m.json: input.thresholds", "2 channels", "12 elements"});
    expect_mentions(problem(R"("thresholds": [[1], []])"),
                    {"m.json: input.thresholds[1]: expected 1 to 255"});
    expect_mentions(problem(R"("thresholds": [[1], 7])"), {"m.json: input.thresholds[1]"});
    expect_mentions(problem(R"("thresholds": [[1], [5, 5]])"),
                    {"m.json: input.thresholds[1][1]: expected an integer from 6 to 255, found 5"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0, 0])"), {"m.json: input", "'high'"});
    expect_mentions(problem(R"("thresholds": [1], "low": [], "high": [])"), {"m.json: input.low", "none"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0, 0], "high": [1])"),
                    {"m.json: input.high", "array of 2"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0], "high": [1])"),
                    {"m.json: input.low", "found 1"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0, 3], "high": [1, 3])"),
                    {"m.json: input.low[1]", "low below high"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0, -1e308], "high": [1, 1e308])"),
                    {"m.json: input.low[1]", "finite difference"});
    expect_mentions(problem(R"("thresholds": [1], "low": [0, "1"], "high": [1, 3])"),
                    {"m.json: input.low[1]"});
}

TEST(InputFeatures, AreBounded) {
    Model model;
    model.name = "wide";
    model.layers.push_back({"flatten", Flatten{}});
    model.input_shape = {4, 70, 70};
    model.thresholds = {1};
    model.features.ranges.assign(4 * 70 * 70, {});
    expect_mentions(message_of([&] { validate(model, "m"); }), {"m: input.low", "16384", "19600"});
    model.features = {};
    model.input_shape = {300, 1, 1};
    std::vector<int> all;
    for (int i = 1; i < 256; ++i) {
        all.push_back(i);
    }
    model.thresholds.clear();
    model.features.thresholds.assign(300, all);
    expect_mentions(message_of([&] { validate(model, "m"); }), {"m: input.thresholds", "65536", "76500"});
    model.thresholds = {1};
    expect_mentions(message_of([&] { validate(model, "m"); }), {"m: input.thresholds", "both"});
}

}  // namespace
}  // namespace lacuna::testing
