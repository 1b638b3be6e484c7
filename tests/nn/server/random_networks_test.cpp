// SPDX-License-Identifier: Apache-2.0
//
// Random networks with an element a ciphertext, of both kinds of plaintext moduli, against the reference,
// with the noise that the plan proves.
#include <lacuna/nn/server/compiled_model.h>

#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

struct Case {
    const char* name;
    Model model;
    std::size_t least_moduli = 1;
    int privacy_bits = 0;
};

std::vector<Case> random_cases() {
    std::vector<Case> cases;
    cases.push_back({"degree_3", SmallModel(11).one_activation(3, 3, 3, 4)});
    cases.push_back({"degree_4", SmallModel(12).one_activation(4, 2, 2, 3)});
    cases.push_back({"two_activations", SmallModel(13).two_activations(2, 2, 4)});
    cases.push_back({"two_activations_4_bit_weights", SmallModel(14).two_activations(4, 3, 10)});
    cases.push_back({"single_class", SmallModel(15).two_activations(2, 1, 1)});
    {
        // Only linear layers, with a row that has no weights.
        SmallModel random(16);
        Case linear{"linear", random.empty({1, 4, 4}, 15)};
        random.add_dense(linear.model, 5, 12, 1000);
        std::get<Dense>(linear.model.layers.back().kind).weights.rows[2].clear();
        linear.model.layers.push_back({"pool", SumPool{{2, 1}, {1, 1}, {1, 0}}});
        cases.push_back(std::move(linear));
    }
    {
        // An activation comes first, and every power is needed.
        SmallModel random(17);
        Case first{"activation_first", random.empty({1, 3, 3}, 3)};
        first.model.layers.push_back({"act", Activation{{5, -3, 7, 6}}});
        random.add_dense(first.model, 2, 3, 100);
        cases.push_back(std::move(first));
    }
    {
        // A degree-1 activation and one whose middle coefficients are 0.
        SmallModel random(18);
        Case gaps{"gaps", random.empty({1, 3, 3}, 1)};
        gaps.model.layers.push_back({"scale", Activation{{-7, 3}}});
        random.add_dense(gaps.model, 3, 2, 100);
        gaps.model.layers.push_back({"cube", Activation{{0, 0, 0, -1}}});
        random.add_dense(gaps.model, 2, 2, 100);
        cases.push_back(std::move(gaps));
    }
    {
        // Biases far beyond 64 bits: several plaintext moduli in the slots, high digits in radix.
        SmallModel random(19);
        Case wide{"wide_bias", random.empty({1, 3, 3}, 2), 2};
        random.add_dense(wide.model, 3, 3, 100);
        std::get<Dense>(wide.model.layers.back().kind).bias[1] = -(mpz_class(1) << 70) + 12345;
        wide.model.layers.push_back({"square", Activation{{0, 1, 1}}});
        random.add_dense(wide.model, 2, 3, 1000);
        std::get<Dense>(wide.model.layers.back().kind).bias[0] = (mpz_class(1) << 130) - 1;
        cases.push_back(std::move(wide));
    }
    {
        // Nothing but biases.
        SmallModel random(20);
        Case constant{"constant", random.empty({1, 2, 2}, 1)};
        random.add_dense(constant.model, 3, 1, 100);
        for (auto& row : std::get<Dense>(constant.model.layers.back().kind).weights.rows) {
            row.clear();
        }
        cases.push_back(std::move(constant));
    }
    cases.push_back({"private_degree_2", small_network(), 1, 40});
    return cases;
}

class RandomNetwork : public ::testing::TestWithParam<std::tuple<std::size_t, Packing, PlainKind>> {};

INSTANTIATE_TEST_SUITE_P(Cases, RandomNetwork,
                         ::testing::Combine(::testing::Range<std::size_t>(0, 11),
                                            ::testing::Values(Packing::slots, Packing::radix),
                                            ::testing::Values(PlainKind::integers, PlainKind::binomial)),
                         [](const auto& info) {
                             return std::string(random_cases()[std::get<0>(info.param)].name) + "_" +
                                    packing_name(std::get<1>(info.param)) +
                                    (std::get<2>(info.param) == PlainKind::binomial ? "_binomial" : "");
                         });

TEST_P(RandomNetwork, EqualsTheReferenceWithTheProvenNoise) {
    const auto [index, packing, kind] = GetParam();
    const Case test = random_cases()[index];
    if (test.privacy_bits > 0 && packing == Packing::radix && kind == PlainKind::integers) {
        EXPECT_THROW((void)make_plan(test.model, request_of(packing, test.privacy_bits)), Error);
        return;
    }
    const std::size_t images = packing == Packing::slots ? 37 : 1;
    PlanRequest request = request_of(packing, test.privacy_bits);
    request.plain_kind = kind;
    request.batch = images;
    const Inference inference(test.model, request);
    EXPECT_EQ(inference.plan.client.parameters.plain_polynomials.size(),
              kind == PlainKind::binomial ? 1U : 0U);
    if (packing == Packing::slots && kind == PlainKind::integers) {
        EXPECT_GE(inference.plan.moduli(), test.least_moduli);
    }
    SmallModel random(100 + index);
    NoiseWatch watch(inference.client, 12);
    inference.expect_exact(random.images(test.model, images), std::ref(watch));
    inference.expect_exact(std::vector<std::uint8_t>(test.model.input_shape.size(), 255), std::ref(watch));
    inference.expect_exact(std::vector<std::uint8_t>(test.model.input_shape.size(), 0));
    EXPECT_GT(inference.plan.output_budget_bits, 0);
    EXPECT_GT(inference.plan.reply_budget_bits, 0);
    RecordProperty("n", static_cast<int>(inference.plan.client.parameters.n));
    RecordProperty("moduli", static_cast<int>(inference.plan.moduli()));
    std::cout << "n = " << inference.plan.client.parameters.n << ", " << inference.plan.moduli()
              << " moduli, log2(Q) = " << inference.plan.log_q() << ", budgets:\n"
              << watch.text();
}

TEST(RandomNetworks, AllCasesRun) {
    EXPECT_EQ(random_cases().size(), 11U);
}

}  // namespace
}  // namespace lacuna::testing
