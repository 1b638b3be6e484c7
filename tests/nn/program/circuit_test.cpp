// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/circuit.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <lacuna/he/fv/noise.h>

namespace lacuna::testing {
namespace {

using Kind = PlanStep::Kind;

ProgramSetting setting_of(std::size_t n, std::vector<int> data, std::vector<int> special, int plain_bits,
                          Packing packing = Packing::slots) {
    ProgramSetting setting;
    setting.parameters.n = n;
    setting.parameters.data_bits = std::move(data);
    setting.parameters.special_bits = std::move(special);
    setting.parameters.plain_bits = {plain_bits};
    setting.packing = packing;
    return setting;
}

Stage linear_stage(std::size_t elements, double norm_1, double norm_2, double terms) {
    Stage stage;
    stage.elements = elements;
    stage.norms.sum = norm_1;
    stage.norms.independent = norm_2;
    stage.norms.products = norm_1;
    stage.norms.squares = norm_1;
    stage.terms = terms;
    return stage;
}

Stage activation_stage(std::size_t elements, std::vector<double> powers) {
    Stage stage;
    stage.elements = elements;
    stage.linear = false;
    stage.powers = std::move(powers);
    return stage;
}

/// plan_circuit for stages that a test writes out.
std::optional<Circuit> plan(const std::vector<Stage>& stages, const ProgramSetting& setting) {
    return plan_circuit(stages, setting);
}

std::size_t count(const Circuit& circuit, Kind kind) {
    return static_cast<std::size_t>(std::count_if(circuit.steps.begin(), circuit.steps.end(),
                                                  [&](const PlanStep& step) { return step.kind == kind; }));
}

std::vector<Kind> kinds(const Circuit& circuit) {
    std::vector<Kind> result;
    for (const PlanStep& step : circuit.steps) {
        result.push_back(step.kind);
    }
    return result;
}

TEST(Circuits, FreshNoiseAndItsRoundingAreIndependent) {
    const ProgramSetting setting = setting_of(4096, {40}, {}, 17);
    // 10,000 inputs of weight 1 and the same message: the errors add to 3.24 x 100 x T, and the random
    // roundings of Q m / t, of variance 1/4 at most, in the same way.
    const auto circuit = plan({linear_stage(1, 10000, 100, 10000)}, setting);
    ASSERT_TRUE(circuit);
    const double deviations = std::exp2(NoiseModel(setting.parameters, log_t_of(setting.parameters))
                                            .tail()
                                            .log_deviations(NoiseFactors{}, 0));
    EXPECT_GE(std::exp2(circuit->steps[0].noise_bits), deviations * std::sqrt(10.5 + 0.25) * 100);
    EXPECT_LE(std::exp2(circuit->steps[0].noise_bits), deviations * 1.03 * std::sqrt(10.5 + 0.25) * 100 + 10);
    // After an activation, or a second time, everything is taken as correlated.
    const auto twice = plan({linear_stage(1, 2, 2, 1), linear_stage(1, 10000, 100, 10000)}, setting);
    ASSERT_TRUE(twice);
    EXPECT_NEAR(twice->steps[1].noise_bits - twice->steps[0].noise_bits, std::log2(10000), 0.01);
}

/// The first activation is an unscaled square where it squares sums of fresh ciphertexts and what follows
/// multiplies all values by one factor.
TEST(Circuits, SquareUnscaledWhereItCan) {
    const Stage sums = linear_stage(100, 20, 5, 800);
    const Stage square = activation_stage(100, {3, 0, 1});
    const Stage last = linear_stage(10, 50, 10, 500);
    const auto unscaled = [](const std::vector<Stage>& stages, const ProgramSetting& setting) {
        const auto circuit = plan_circuit(stages, setting);
        EXPECT_TRUE(circuit);
        return circuit && std::any_of(circuit->steps.begin(), circuit->steps.end(),
                                      [](const PlanStep& step) { return step.unscaled; });
    };
    const ProgramSetting setting = setting_of(8192, {50, 50, 50}, {50}, 20);
    EXPECT_TRUE(unscaled({sums, square, last}, setting));
    EXPECT_TRUE(unscaled({square, last}, setting));
    EXPECT_TRUE(unscaled({sums, square, last, activation_stage(10, {1, 0, 2}), last}, setting));
    EXPECT_FALSE(unscaled({sums, square, last, activation_stage(10, {1, 1, 2}), last}, setting));
    EXPECT_FALSE(unscaled({sums, activation_stage(100, {0, 1, 1}), last}, setting));
    EXPECT_FALSE(unscaled({sums, activation_stage(100, {0, 0, 2}), last}, setting));
    EXPECT_FALSE(unscaled({sums, sums, square, last}, setting));
    ProgramSetting other = setting;
    other.packing = Packing::radix;
    EXPECT_FALSE(unscaled({sums, square, last}, other));
    other = setting;
    other.public_encryption = true;
    EXPECT_FALSE(unscaled({sums, square, last}, other));
}

/// Where squares cancel in a sum, what has come to them since and what biases left in them need not.
TEST(Circuits, SumsOfUnscaledSquaresKeepWhatIsNotSquared) {
    Stage last = linear_stage(10, 100, 50, 500);
    last.norms.squares = 0;
    last.norms.products = 30;
    const std::vector<Stage> stages = {linear_stage(100, 20, 5, 800), activation_stage(100, {0, 0, 1}), last};
    const ProgramSetting setting = setting_of(8192, {50, 50, 50}, {50}, 20);
    const auto circuit = plan_circuit(stages, setting);
    ASSERT_TRUE(circuit);
    const PlanStep* square = nullptr;
    const PlanStep* sum = nullptr;
    for (const PlanStep& step : circuit->steps) {
        square = step.kind == Kind::activation ? &step : square;
        sum = step.kind == Kind::linear && square != nullptr ? &step : sum;
    }
    ASSERT_TRUE(square != nullptr && sum != nullptr && square->unscaled);
    // (Relinearisation or a switch may come between, which adds noise or scales it down with Q.)
    EXPECT_GE(square->budget_bits - sum->budget_bits, std::log2(30) - 0.01);

    Stage cancelling = last;
    cancelling.norms.products = 0;
    const auto biased = plan({stages[0], stages[1], cancelling}, setting);
    ASSERT_TRUE(biased);
    const auto log_q = [](const PlanStep& step) { return 50.0 * static_cast<double>(step.limbs); };
    const PlanStep& before = biased->steps[0];
    const auto after = std::find_if(biased->steps.begin() + 1, biased->steps.end(),
                                    [](const PlanStep& step) { return step.kind == Kind::linear; });
    // t norm_1 sigma, in the scale of what is left of Q.
    EXPECT_GE(after->noise_bits, 20 + std::log2(100) + before.noise_bits + log_q(*after) - log_q(before));
}

TEST(Circuits, RefuseWhatDoesNotDecrypt) {
    const std::vector<Stage> stages = {linear_stage(4, 100, 20, 400), activation_stage(4, {1, 1, 1}),
                                       linear_stage(2, 100, 20, 8)};
    EXPECT_FALSE(plan_circuit(stages, setting_of(4096, {30}, {30}, 20)));
    EXPECT_FALSE(plan_circuit(stages, setting_of(4096, {30, 30}, {30}, 25)));
    EXPECT_TRUE(plan_circuit(stages, setting_of(4096, {40, 40}, {30}, 17)));
    EXPECT_FALSE(plan({linear_stage(1, 1, 1, 1)}, setting_of(4096, {20}, {}, 19)));
}

/// Relinearising after a sum pays where it has fewer outputs than inputs and few terms for the third part.
TEST(Circuits, RelinearizeWhereItIsCheaper) {
    const ProgramSetting setting = setting_of(8192, {45, 45, 45}, {45}, 20);
    const Stage first = linear_stage(800, 20, 5, 8000);
    const Stage square = activation_stage(800, {0, 0, 1});
    const auto lazy = plan({first, square, linear_stage(10, 50, 10, 500)}, setting);
    ASSERT_TRUE(lazy);
    std::vector<Kind> steps = kinds(*lazy);
    std::erase(steps, Kind::mod_switch);
    EXPECT_EQ(steps, (std::vector{Kind::linear, Kind::activation, Kind::linear, Kind::relinearize}));
    EXPECT_TRUE(lazy->relinearizes);
    for (const PlanStep& step : lazy->steps) {
        if (step.kind == Kind::relinearize) {
            EXPECT_EQ(step.elements, 10U);
            EXPECT_EQ(step.size, 2U);
        }
    }

    const auto eager = plan({first, square, linear_stage(5000, 50, 10, 1000000)}, setting);
    ASSERT_TRUE(eager);
    steps = kinds(*eager);
    std::erase(steps, Kind::mod_switch);
    EXPECT_EQ(steps, (std::vector{Kind::linear, Kind::activation, Kind::relinearize, Kind::linear}));

    // Two activations in a row: the second needs size 2. A last one is relinearised for the reply.
    const auto two = plan({first, square, square}, setting);
    ASSERT_TRUE(two);
    EXPECT_EQ(count(*two, Kind::relinearize), 2U);
    EXPECT_EQ(two->steps.back().size, 2U);
    EXPECT_FALSE(plan({first}, setting)->relinearizes);
    // x^4 needs (x^2)^2, and so keys, even where the last step is linear.
    EXPECT_TRUE(plan({activation_stage(2, {0, 0, 0, 1})}, setting)->relinearizes);
}

TEST(Circuits, SwitchDownAsFarAsTheNoiseAllows) {
    const ProgramSetting setting = setting_of(8192, {45, 45, 45}, {45}, 17);
    const std::vector<Stage> stages = {linear_stage(800, 20, 5, 8000), activation_stage(800, {0, 0, 1}),
                                       linear_stage(100, 50, 10, 8000), activation_stage(100, {0, 0, 1}),
                                       linear_stage(10, 50, 10, 1000)};
    const auto circuit = plan_circuit(stages, setting);
    ASSERT_TRUE(circuit);
    EXPECT_EQ(circuit->reply_limbs, 1U);
    EXPECT_DOUBLE_EQ(circuit->steps.back().budget_bits, circuit->reply_budget_bits);
    EXPECT_GE(circuit->output_budget_bits, circuit->reply_budget_bits);
    std::size_t limbs = 3;
    double cost = 0;
    for (const PlanStep& step : circuit->steps) {
        EXPECT_LE(step.limbs, limbs);
        // A prime goes in a modulus switch, or one in the rounding of a product.
        EXPECT_TRUE(step.limbs == limbs || step.kind == Kind::mod_switch ||
                    (step.kind == Kind::activation && step.limbs + 1 == limbs));
        EXPECT_GT(step.budget_bits, 0);
        EXPECT_GE(step.cost, 0);
        limbs = step.limbs;
        cost += step.cost;
    }
    EXPECT_DOUBLE_EQ(circuit->cost(), cost);
    // Nothing is dropped before the first layer: the client would have sent less.
    EXPECT_EQ(circuit->steps.front().kind, Kind::linear);
    EXPECT_EQ(circuit->steps.front().limbs, 3U);
}

TEST(Circuits, JoinSumsTheNoiseOfAllLogits) {
    const ProgramSetting radix = setting_of(4096, {50}, {}, 17, Packing::radix);
    const auto circuit = plan({linear_stage(16, 4, 2, 10)}, radix);
    ASSERT_TRUE(circuit);
    ASSERT_EQ(kinds(*circuit), (std::vector{Kind::linear, Kind::join}));
    EXPECT_NEAR(circuit->steps[1].noise_bits, circuit->steps[0].noise_bits + 4, 1e-9);
    EXPECT_EQ(circuit->steps[1].elements, 1U);
    EXPECT_EQ(count(*plan({linear_stage(1, 4, 2, 10)}, radix), Kind::join), 0U);
}

/// The distance E / 2B of every coefficient of every ciphertext for every modulus, together below half of
/// 2^-privacy_bits, whether the circuit's own noise or the encryption of zero is larger.
TEST(Circuits, FloodHidesNoiseInEveryCoefficientOfTheReply) {
    for (const std::size_t moduli : {1, 3, 8}) {
        for (const std::size_t elements : {1, 10}) {
            for (const double norm : {1.0, 1000.0}) {
                ProgramSetting setting = setting_of(8192, {50, 50, 50}, {50}, 20);
                setting.privacy_bits = 40;
                setting.moduli = moduli;
                const auto circuit = plan({linear_stage(elements, norm, norm, 10)}, setting);
                ASSERT_TRUE(circuit);
                const auto flood =
                    std::find_if(circuit->steps.begin(), circuit->steps.end(),
                                 [](const PlanStep& step) { return step.kind == Kind::flood; });
                ASSERT_NE(flood, circuit->steps.end());
                const NoiseModel noise(setting.parameters, log_t_of(setting.parameters), elements * moduli);
                // A bound is 14 to 30 deviations.
                const double hidden = std::exp2(std::prev(flood)->noise_bits) +
                                      std::exp2(noise.log_bound(noise.fresh_public()));
                const double distance = hidden / std::exp2(flood->flood_bits + 1) *
                                        std::sqrt(8192 * static_cast<double>(elements * moduli));
                EXPECT_LE(std::log2(distance), -41 + 5);
                EXPECT_GT(std::log2(distance), -42.2 + 3.8);
                EXPECT_GE(flood->noise_bits, flood->flood_bits + std::log2(3));
                // Only the last switch comes after it, and its rounding adds to the flood's own bound.
                ASSERT_LE(circuit->steps.end() - flood, 2);
                if (std::next(flood) != circuit->steps.end()) {
                    const double dropped = noise.log_q(3) - noise.log_q(circuit->steps.back().limbs);
                    EXPECT_GE(
                        std::exp2(circuit->steps.back().noise_bits),
                        std::exp2(flood->noise_bits - dropped) + 14 * std::sqrt((1 + 8192 * 2.0 / 3) / 12));
                }
            }
        }
    }
    ProgramSetting small = setting_of(4096, {36, 36}, {34}, 20);
    small.privacy_bits = 40;
    EXPECT_FALSE(plan({linear_stage(1, 1, 1, 1)}, small)) << "there is no room for the flood";
}

}  // namespace
}  // namespace lacuna::testing
