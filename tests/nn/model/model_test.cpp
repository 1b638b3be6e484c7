// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/model.h>

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/example_model.h"

namespace lacuna {
namespace {

TEST(Model, QuantisesPixels) {
    const Model model = parse_model(example, "file.json");
    const std::map<int, int> levels{{0, 0},   {63, 0},  {64, 1},  {127, 1},
                                    {128, 2}, {191, 2}, {192, 3}, {255, 3}};
    for (const auto& [pixel, level] : levels) {
        EXPECT_EQ(model.quantise(static_cast<std::uint8_t>(pixel)), level);
    }
    EXPECT_EQ(model.input_maximum(), 3);
}

TEST(Model, RefusesNetworksThatGrowOutOfBounds) {
    Model model;
    model.name = "grow";
    model.input_shape = {1, 1, 1};
    model.thresholds = {128};
    model.layers.push_back({"pool", SumPool{{4096, 4096}, {1, 1}, {4095, 4095}}});
    EXPECT_NE(error_of([&] { validate(model, "m"); }).find("at most 1048576 elements"), std::string::npos);
    model.input_shape = {1, 1000, 1000};
    model.layers[0].kind = SumPool{{999, 999}, {1, 1}, {499, 499}};
    EXPECT_NE(error_of([&] { validate(model, "m"); }).find("67108864 terms"), std::string::npos);
    EXPECT_NE(error_of([&] { (void)linear_map(model.layers[0], model.input_shape); }).find("67108864 terms"),
              std::string::npos);
}

TEST(Model, ValidateChecksModelsBuiltInMemory) {
    const Model good = parse_model(example, "file.json");
    const auto broken = [&](const std::string& expected, const std::function<void(Model&)>& change) {
        Model model = good;
        change(model);
        EXPECT_NE(error_of([&] { validate(model, "memory"); }).find(expected), std::string::npos)
            << error_of([&] { validate(model, "memory"); });
        EXPECT_NE(error_of([&] { (void)format_model(model); }), "no error");
    };
    broken("layers: expected 1 to 64", [](Model& m) { m.layers.clear(); });
    broken("output.scale", [](Model& m) { m.output_scale = std::numeric_limits<double>::infinity(); });
    broken("stride[0]: expected",
           [](Model& m) { std::get<Convolution>(m.layers[0].kind).stride.vertical = 0; });
    broken("layers[0].weights.terms[0][1]: expected a column above",
           [](Model& m) { std::get<Convolution>(m.layers[0].kind).weights.rows[0][1].column = 0; });
    broken("layers[0].weights.terms[0][0]: expected a column below",
           [](Model& m) { std::get<Convolution>(m.layers[0].kind).weights.rows[0][0].column = 99; });
    broken("layers[4].weights.terms[0][1]: expected a weight",
           [](Model& m) { std::get<Dense>(m.layers[4].kind).weights.rows[0][1].weight = 0; });
    broken("layers[4].bias[0]: expected at most 100 decimal digits", [](Model& m) {
        std::get<Dense>(m.layers[4].kind).bias[0] = mpz_class("1" + std::string(100, '0'));
    });
    broken("layers[1].coefficients",
           [](Model& m) { std::get<Activation>(m.layers[1].kind).coefficients.clear(); });
    Model model = good;
    model.provenance = "{";
    EXPECT_NE(error_of([&] { (void)format_model(model); }).find("provenance"), std::string::npos);
    model = good;
    model.description = "\xff";
    EXPECT_NE(error_of([&] { (void)format_model(model); }).find("description"), std::string::npos);
}

TEST(Model, LinearMapLeavesPaddingOut) {
    // A 3 x 3 kernel 1 ... 9 on a 2 x 3 image with padding 1, stride 2 across.
    WeightMatrix kernel{9, {{}}};
    for (std::uint32_t c = 0; c < 9; ++c) {
        kernel.rows[0].push_back({c, c + 1});
    }
    const Layer layer{"conv", Convolution{{3, 3}, {1, 2}, {1, 1}, kernel, {7}}};
    const LinearMap map = linear_map(layer, {1, 2, 3});
    ASSERT_EQ(map.weights.rows.size(), 4U);
    EXPECT_EQ(map.weights.columns, 6U);
    EXPECT_EQ(map.weights.rows[0], (std::vector<WeightTerm>{{0, 5}, {1, 6}, {3, 8}, {4, 9}}));
    EXPECT_EQ(map.weights.rows[1], (std::vector<WeightTerm>{{1, 4}, {2, 5}, {4, 7}, {5, 8}}));
    EXPECT_EQ(map.weights.rows[2], (std::vector<WeightTerm>{{0, 2}, {1, 3}, {3, 5}, {4, 6}}));
    EXPECT_EQ(map.bias, (std::vector<mpz_class>{7, 7, 7, 7}));
    EXPECT_THROW((void)linear_map({"f", Flatten{}}, {1, 2, 3}), Error);
    EXPECT_THROW((void)linear_map({"a", Activation{{0, 1}}}, {1, 2, 3}), Error);
    EXPECT_THROW((void)linear_map(layer, {2, 2, 3}), Error);
    EXPECT_THROW((void)linear_map(layer, {0, 2, 3}), Error);
}

}  // namespace
}  // namespace lacuna
