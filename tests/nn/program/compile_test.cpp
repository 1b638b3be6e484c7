// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/compile.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <lacuna/nn/model/overloaded.h>

namespace lacuna {
namespace {

Stage linear(std::size_t elements, double terms) {
    Stage stage;
    stage.elements = elements;
    stage.terms = terms;
    stage.norms = {1, 1, 1, 1};
    return stage;
}

Stage activation(std::size_t elements, std::vector<double> powers) {
    Stage stage;
    stage.elements = elements;
    stage.linear = false;
    stage.powers = std::move(powers);
    return stage;
}

CostModel cost_model() {
    Parameters parameters;
    parameters.n = 8192;
    parameters.data_bits = {45, 45, 45};
    parameters.special_bits = {45};
    return CostModel(parameters);
}

/// A program in short: L linear, P power and its factors (with u unscaled, d drop, s spends), R power, W
/// highest (d), M limbs, F, J; lines apart by blanks.
std::string text(const Program& program) {
    std::string result;
    for (std::size_t i = 0; i < program.size(); ++i) {
        const Step& step = program[i];
        result += i > 0 && step.line != program[i - 1].line ? " " : "";
        result += std::visit(
            Overloaded{
                [](const LinearStep&) { return std::string("L"); },
                [](const ProductStep& product) {
                    return std::string("P") + std::to_string(product.powers.low) +
                           std::to_string(product.powers.high) + (product.unscaled ? "u" : "") +
                           (product.drop ? "d" : "") + (product.spends ? "s" : "");
                },
                [](const RelinearizeStep& r) { return std::string("R") + std::to_string(r.power); },
                [](const WeightedSumStep& sum) {
                    return std::string("W") + std::to_string(sum.highest) + (sum.drop ? "d" : "");
                },
                [&](const ModSwitchStep&) { return std::string("M") + std::to_string(step.limbs); },
                [](const MaskStep&) { return std::string("S"); },
                [](const FloodStep&) { return std::string("F"); },
                [](const JoinStep&) { return std::string("J"); },
            },
            step.kind);
    }
    return result;
}

std::string compiled(const std::vector<Stage>& stages, Choices choices, ProgramSetting setting = {}) {
    setting.parameters.data_bits = {45, 45, 45};
    choices.limbs.resize(stages.size(), choices.limbs.empty() ? 3 : choices.limbs.back());
    const Program program = compile(stages, setting, cost_model(), choices);
    return text(program);
}

TEST(Compile, WritesLayersAsSteps) {
    const std::vector<Stage> stages = {linear(800, 8000), activation(800, {1, 0, 1}), linear(10, 500)};
    EXPECT_EQ(compiled(stages, {}), "L P11sW2 L R1");
    Choices choices;
    choices.unscaled = true;
    EXPECT_EQ(compiled(stages, choices), "L P11usW2 L R1");
    // Fewer to relinearise before the sum than after it.
    EXPECT_EQ(compiled({stages[0], stages[1], linear(5000, 1e6)}, {}), "L P11sW2 R1 L");
    EXPECT_EQ(compiled({stages[0], stages[1]}, {}), "L P11sW2 R1");
}

TEST(Compile, RelinearizesFactorsAlone) {
    EXPECT_EQ(compiled({activation(2, {0, 0, 0, 0, 1})}, {}), "P11sR2P22sW4 R1");
    EXPECT_EQ(compiled({activation(2, {0, 1, 0, 1})}, {}), "P11R2P12W3 R1");
    // x^2 is a factor of x^4 and x^3, and a term as well.
    EXPECT_EQ(compiled({activation(2, {1, 1, 1, 1, 1})}, {}), "P11R2P22P12W4 R1");
    EXPECT_EQ(compiled({activation(2, {5, 3})}, {}), "W1");
}

TEST(Compile, DropsThePrimesThatItIsToldTo) {
    const std::vector<Stage> stages = {linear(800, 8000), activation(800, {1, 0, 1}), linear(10, 500)};
    Choices choices;
    choices.limbs = {3, 3, 2};
    EXPECT_EQ(compiled(stages, choices), "L P11dsW2d L R1");
    choices.limbs = {3, 2, 1};
    EXPECT_EQ(compiled(stages, choices), "L M2 P11dsW2d L R1");
    choices.limbs = {3, 3, 1};
    choices.reply_limbs = 1;
    EXPECT_EQ(compiled(stages, choices), "L P11dsW2d M1 L R1");
    // A relinearised product has its rounding behind it; so have powers below the highest.
    EXPECT_EQ(compiled({stages[0], stages[1], linear(5000, 1e6)}, choices), "L P11sW2 R1 M1 L");
    choices.limbs = {3, 2};
    EXPECT_EQ(compiled({activation(800, {0, 1, 1, 1}), linear(10, 500)}, choices), "P11R2P12dW3d L R1 M1");
    // The level of everything is what it was told.
    ProgramSetting setting;
    setting.parameters.data_bits = {45, 45, 45};
    choices.limbs = {3, 3, 1};
    std::vector<std::size_t> limbs;
    for (const Step& step : compile(stages, setting, cost_model(), choices)) {
        limbs.push_back(step.limbs);
    }
    EXPECT_EQ(limbs, (std::vector<std::size_t>{3, 2, 2, 1, 1, 1}));
}

TEST(Compile, PacksTheReply) {
    Choices choices;
    choices.reply_limbs = 1;
    ProgramSetting flooded;
    flooded.privacy_bits = 40;
    EXPECT_EQ(compiled({linear(10, 100)}, choices, flooded), "L F M1");
    ProgramSetting radix;
    radix.packing = Packing::radix;
    EXPECT_EQ(compiled({linear(10, 100)}, choices, radix), "L J M1");
    EXPECT_EQ(compiled({linear(1, 100)}, {}, radix), "L");
}

}  // namespace
}  // namespace lacuna
