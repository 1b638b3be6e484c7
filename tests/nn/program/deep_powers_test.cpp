// SPDX-License-Identifier: Apache-2.0
//
// One pixel through x^4, x^7 and x^4: seven products in sequence with no layer between them, and powers that
// multiply their own factors again. Narrow and deep, where tails of noise are longest. LACUNA_NOISE_RUNS=N
// sets how many requests run.
#include <cstdlib>
#include <functional>
#include <iostream>

#include <gtest/gtest.h>

#include "tests/support/inference.h"

namespace lacuna::testing {
namespace {

Activation power(std::size_t degree) {
    Activation activation;
    activation.coefficients.resize(degree + 1);
    activation.coefficients.back() = 1;
    return activation;
}

TEST(DeepPowers, OnePixelThroughFourthAndSeventhPowersStaysBelowTheBound) {
    Model model;
    model.name = "deep-powers";
    model.input_shape = {1, 1, 1};
    model.thresholds = {128};
    model.layers = {{"first", power(4)}, {"second", power(7)}, {"third", power(4)}};
    PlanRequest request;
    request.packing = Packing::slots;
    const Plan plan = make_plan(model, request);
    EXPECT_GT(plan.reply_budget_bits, 0);
    const char* wanted = std::getenv("LACUNA_NOISE_RUNS");
    const int runs = wanted != nullptr ? std::atoi(wanted) : 2;
    for (int run = 0; run < runs; ++run) {  // a key each
        const Inference inference(model, plan);
        VarianceWatch variance(inference.client);
        NoiseWatch watch(inference.client, 1);
        inference.expect_exact(std::vector<std::uint8_t>{0, 255, 0, 255},
                               [&](const PlanStep& step, const std::vector<Ciphertext>& values) {
                                   watch(step, values);
                                   variance(step, values);
                               });
        if (run == 0) {
            std::cout << "n = " << plan.client.parameters.n << ", log2 Q = " << plan.log_q() << '\n'
                      << watch.text();
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
