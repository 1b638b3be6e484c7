// SPDX-License-Identifier: Apache-2.0
//
// Squares as Evaluator::square_unscaled makes them, through a whole inference.
#include <lacuna/nn/server/compiled_model.h>

#include <algorithm>
#include <functional>
#include <iostream>

#include <gtest/gtest.h>

#include <lacuna/nn/client/reply.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

/// Biases and constants wherever a factor has to reach.
Model two_squares(SmallModel& random) {
    Model model = random.empty({1, 6, 5}, 2);
    model.layers.push_back(
        {"conv", Convolution{{3, 3}, {2, 2}, {1, 0}, random.weights(2, 9, 2), random.integers(2, 9)}});
    model.layers.push_back({"act1", Activation{{3, 0, 1}}});
    random.add_dense(model, 4, 2, 50);
    model.layers.push_back({"act2", Activation{{-2, 0, 3}}});
    random.add_dense(model, 3, 2, 1000);
    return model;
}

/// Unscaled squares multiply every value by a factor: biases and constants have to be multiplied by it too,
/// the next square squares it, and the client divides it out modulo every plaintext modulus.
TEST(UnscaledSquares, CarryTheirFactorToTheEnd) {
    for (const std::size_t moduli : {1, 2}) {
        SmallModel random(moduli);
        const Model model = two_squares(random);
        PlanRequest request = request_of(Packing::slots);
        request.plain_moduli = moduli;
        const Inference inference(model, request);
        ASSERT_EQ(inference.plan.moduli(), moduli);
        EXPECT_EQ(std::count_if(inference.plan.steps.begin(), inference.plan.steps.end(),
                                [](const PlanStep& step) { return step.unscaled; }),
                  1);
        for (const std::uint64_t factor : inference.plan.client.reply_factors) {
            EXPECT_NE(factor, 1U);
        }
        NoiseWatch watch(inference.client, 6);
        inference.expect_exact(random.images(model, 9), std::ref(watch));
    }
}

/// Modulo a binomial the factor is a number modulo p, and gives a bias a digit at every coefficient.
TEST(UnscaledSquares, CarryTheirFactorModuloABinomial) {
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        SmallModel random(4);
        const Model model = two_squares(random);
        const std::size_t images = packing == Packing::slots ? 9 : 1;
        const Inference inference(model, binomial_request_of(packing, images));
        EXPECT_EQ(std::count_if(inference.plan.steps.begin(), inference.plan.steps.end(),
                                [](const PlanStep& step) { return step.unscaled; }),
                  1);
        EXPECT_NE(inference.plan.client.reply_slot_factor, 1);
        NoiseWatch watch(inference.client, 6);
        inference.expect_exact(random.images(model, images), std::ref(watch));
    }
}

/// Radix modulo x - 2 with two squares needs no evaluation key in a ring that has no room for one: replies of
/// five parts, a ciphertext a logit.
TEST(KeylessPrograms, AnswerExactlyWithoutEvaluationKeys) {
    SmallModel random(9);
    const Model model = two_squares(random);
    const Inference inference(model, binomial_request_of(Packing::radix));
    const ClientPlan& client = inference.plan.client;
    ASSERT_EQ(client.reply_parts, 5U);
    EXPECT_EQ(client.parameters.n, 2048U);
    EXPECT_FALSE(client.relin_keys);
    EXPECT_TRUE(client.galois_elements.empty());
    EXPECT_TRUE(client.parameters.special_primes.empty());
    EXPECT_EQ(client.reply_layout(1).ciphertexts(), model.classes());
    NoiseWatch watch(inference.client, 6);
    inference.expect_exact(random.images(model, 1), std::ref(watch));
    std::cout << watch.text();
    // Replies travel whole.
    EncryptedTensor reply = inference.session.infer(inference.client.encrypt(random.images(model, 1)));
    const EncryptedTensor before = reply;
    (void)shorten_reply(inference.client.context().ring(), client, reply);
    EXPECT_EQ(reply.residues, before.residues);
    // Circuit privacy masks two parts, and so relinearises.
    EXPECT_EQ(make_plan(model, binomial_request_of(Packing::radix, 1, 40)).client.reply_parts, 2U);
}

/// Two equal sums with different biases: their squares' noise cancels in the difference, but for what the
/// rounding of the bias adds.
TEST(UnscaledSquares, CancelUpToTheirBiases) {
    SmallModel random(3);
    Model model = random.empty({1, 1, 1}, 3);
    model.layers.push_back({"twice", Dense{{1, {{{0, 1}}, {{0, 1}}}}, {1, 0}}});
    model.layers.push_back({"square", Activation{{0, 0, 1}}});
    constexpr std::int64_t large = std::int64_t{1} << 20;
    model.layers.push_back({"difference", Dense{{2, {{{0, large}, {1, -large}}}}, {0}}});
    const Inference inference(model, request_of(Packing::slots));
    EXPECT_TRUE(inference.plan.steps[1].unscaled);
    NoiseWatch watch(inference.client, 6);
    inference.expect_exact(random.images(model, 16), std::ref(watch));
}

}  // namespace
}  // namespace lacuna::testing
