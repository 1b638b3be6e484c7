// SPDX-License-Identifier: Apache-2.0
//
// What the replay proves of noise against the noise that a secret key measures.
#include <lacuna/nn/program/noise_replay.h>

#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

/// Activations whose coefficients weigh the rounding of a product that drops a prime on the way.
TEST(WeightedActivations, StayWithinTheProof) {
    for (const auto& [linear, square] : {std::pair{0L, 64L}, {65536L, 1L}, {4096L, 64L}, {-3L, -2L}}) {
        SmallModel random(3);
        Model model = random.empty({8, 1, 1}, 1);
        const auto dense = [&](const char* name, std::uint32_t outputs, std::uint32_t inputs) {
            WeightMatrix weights{inputs, {}};
            for (std::uint32_t i = 0; i < outputs; ++i) {
                auto& row = weights.rows.emplace_back();
                for (std::uint32_t j = 0; j < inputs; ++j) {
                    row.push_back({j, 1 + (i * 7 + j * 3) % 3});
                }
            }
            model.layers.push_back({name, Dense{weights, std::vector<mpz_class>(outputs, 1)}});
        };
        dense("first", 8, 8);
        model.layers.push_back({"weighted", Activation{{1, linear, square}}});
        dense("second", 4, 8);
        model.layers.push_back({"square", Activation{{0, 0, 1}}});
        dense("last", 2, 4);
        const Inference inference(model, request_of(Packing::slots));
        NoiseWatch watch(inference.client, 4);
        inference.expect_exact(random.images(model, 16), std::ref(watch));
    }
}

/// Sums of squares of sums that share their few inputs: distinct ones, whose noise the planner takes as
/// uncorrelated, and identical ones, whose noise it must not. The watch compares every step with the proof.
TEST(CorrelatedNoise, StaysWithinTheProof) {
    for (const bool identical : {false, true}) {
        for (const Packing packing : {Packing::slots, Packing::radix}) {
            SmallModel random(5);
            Model model = random.empty({6, 1, 1}, 1);
            WeightMatrix first{6, {}};
            WeightMatrix last{64, {{}, {}}};
            for (std::uint32_t i = 0; i < 64; ++i) {
                const std::int64_t k = identical ? 3 : i;
                first.rows.push_back({{0, 1 + k % 4}, {1, 1 + k / 4 % 4}, {2, 1}, {5, 1 + k / 16}});
                last.rows[0].push_back({i, 1});
                last.rows[1].push_back({i, i % 2 == 0 ? 2 : -1});
            }
            model.layers.push_back({"first", Dense{first, std::vector<mpz_class>(64)}});
            model.layers.push_back({"square", Activation{{0, 0, 1}}});
            model.layers.push_back({"last", Dense{last, {0, 1}}});
            const Inference inference(model, request_of(packing));
            NoiseWatch watch(inference.client, 4);
            inference.expect_exact(random.images(model, 1), std::ref(watch));
        }
    }
}

/// Every step by hand, in the words of NoiseModel.
TEST(NoiseReplay, IsTheNoiseModelStepByStep) {
    Parameters parameters;
    parameters.n = 8192;
    parameters.data_bits = {50, 50, 50};
    parameters.special_bits = {50};
    const NoiseModel noise(parameters, 20);
    std::vector<Stage> stages(3);
    stages[0].norms = {9, 3, 9, 9};
    stages[1].linear = false;
    stages[1].powers = {1, 4, 2};
    const NoiseEstimate input = noise.fresh_symmetric();
    NoiseReplay replay(noise, stages, input, 25, 40, 2);
    EXPECT_DOUBLE_EQ(replay.budget(), noise.budget(input));

    NoiseEstimate expected = noise.add_plain(noise.linear(input, stages[0].norms), 1);
    replay.run({LinearStep{0, 0}, 0, 100, 3, 2, ""});
    EXPECT_DOUBLE_EQ(replay.budget(), noise.budget(expected));

    const NoiseEstimate square = noise.multiply(expected, expected);
    expected = noise.add_plain(noise.add(noise.scale(square, 2), noise.scale(expected, 4)), 1);
    replay.run({ProductStep{{1, 1}, false, false, false}, 1, 100, 3, 3, ""});
    replay.run({WeightedSumStep{1, 1, 2, false}, 1, 100, 3, 3, ""});
    EXPECT_DOUBLE_EQ(replay.budget(), noise.budget(expected));
    EXPECT_TRUE(replay.holds());

    expected = noise.relinearize(expected);
    replay.run({RelinearizeStep{1}, 2, 100, 3, 2, ""});
    EXPECT_DOUBLE_EQ(replay.budget(), noise.budget(expected));
    EXPECT_DOUBLE_EQ(noise.budget(replay.switched(1)), noise.budget(noise.mod_switch_to(expected, 1)));

    expected = noise.mod_switch_to(expected, 2);
    replay.run({ModSwitchStep{}, 3, 100, 2, 2, ""});
    EXPECT_DOUBLE_EQ(replay.budget(), noise.budget(expected));

    // All replies of a request share the distance of 2^-40.
    const NoiseModel::Flooding flooding = noise.flood(expected, 40, 200);
    replay.run({FloodStep{}, 4, 100, 2, 2, ""});
    EXPECT_DOUBLE_EQ(replay.budget(), noise.budget(flooding.estimate));
    EXPECT_EQ(replay.flood_bits(), flooding.bits);
}

}  // namespace
}  // namespace lacuna::testing
