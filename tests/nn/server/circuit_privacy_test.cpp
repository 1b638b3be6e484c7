// SPDX-License-Identifier: Apache-2.0
//
// A flooded reply says the logits and nothing else of the model.
#include <lacuna/nn/server/compiled_model.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/flooding.h>
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

/// Keys without one of their parts. Not inlined: GCC 12 would warn falsely of the emptied optional.
[[gnu::noinline]] EvaluationKeys without(EvaluationKeys keys, bool relin_keys, bool public_key) {
    if (relin_keys) {
        keys.relin_keys.reset();
    }
    if (public_key) {
        keys.public_key.reset();
    }
    return keys;
}

/// Two models with the same shape; the second one's weights are far larger. The reply's noise must look like
/// the flood in both, whatever the model did.
TEST(CircuitPrivacy, RepliesHoldTheFloodAndNothingElse) {
    SmallModel random(31);
    for (const int weight_bits : {1, 4}) {
        const Model model = random.one_activation(2, weight_bits, 2, 3);
        const Inference inference(model, request_of(Packing::slots, 40));
        const auto flood_step =
            std::find_if(inference.plan.steps.begin(), inference.plan.steps.end(),
                         [](const PlanStep& step) { return step.kind == PlanStep::Kind::flood; });
        ASSERT_NE(flood_step, inference.plan.steps.end());
        ASSERT_NE(flood_step, inference.plan.steps.begin());
        const double n = static_cast<double>(inference.plan.client.parameters.n);
        const double hidden = std::prev(flood_step)->noise_bits;
        std::vector<std::vector<double>> flooded;
        std::vector<std::vector<double>> before;
        inference.expect_exact(random.images(model, 5),
                               [&](const PlanStep& step, const std::vector<Ciphertext>& ciphertexts) {
                                   if (&step == &*flood_step || step.kind == PlanStep::Kind::flood) {
                                       for (const Ciphertext& ciphertext : ciphertexts) {
                                           flooded.push_back(noise_of(inference.client, ciphertext));
                                       }
                                   } else if (flooded.empty()) {
                                       before.clear();
                                       for (const Ciphertext& ciphertext : ciphertexts) {
                                           before.push_back(noise_of(inference.client, ciphertext));
                                       }
                                   }
                               });
        ASSERT_EQ(flooded.size(), model.classes() * inference.plan.moduli());
        const double bound = std::exp2(flood_step->flood_bits);
        for (const std::vector<double>& noise : flooded) {
            double sum = 0;
            double squares = 0;
            double largest = 0;
            std::array<int, 6> bins{};  // from -3 to 3
            for (const double e : noise) {
                sum += e / bound;
                squares += e / bound * (e / bound);
                largest = std::max(largest, std::abs(e) / bound);
                ++bins[static_cast<std::size_t>(std::clamp(std::floor(e / bound) + 3, 0.0, 5.0))];
            }
            // Three uniform on [-1, 1): mean 0, variance 1, fourth moment 2.6; eight deviations of each of
            // these estimates.
            EXPECT_NEAR(sum / n, 0, 8 * std::sqrt(1 / n));
            EXPECT_NEAR(squares / n, 1.0, 8 * std::sqrt(1.6 / n));
            EXPECT_LE(largest, 3.0 + 1e-9);
            EXPECT_GT(largest, 2.5);
            const std::array<double, 6> expected = {1.0 / 48, 7.0 / 48, 1.0 / 3, 1.0 / 3, 7.0 / 48, 1.0 / 48};
            for (std::size_t i = 0; i < bins.size(); ++i) {
                EXPECT_NEAR(bins[i], n * expected[i], 8 * std::sqrt(n * expected[i]));
            }
        }
        // The statistical distance of this reply: the Euclidean norm of what is hidden in it over the width
        // of the flood. The plan's is that of the noise's mean square as it is proven.
        double norm = 0;
        for (const std::vector<double>& noise : before) {
            for (const double e : noise) {
                EXPECT_LE(std::abs(e), std::exp2(hidden));
                norm += e * e;
            }
        }
        ASSERT_EQ(before.size(), flooded.size());
        const double log_distance = std::log2(1.09) + 0.5 * std::log2(norm) - (flood_step->flood_bits + 1);
        EXPECT_LE(log_distance, -41.0);
        EXPECT_GT(log_distance, -54.0);
    }
}

TEST(CircuitPrivacy, TwoRepliesToOneRequestHaveNothingInCommon) {
    const Model model = small_network();
    const Inference inference(model, request_of(Packing::slots, 40));
    EXPECT_TRUE(inference.plan.client.public_key);
    SmallModel random(32);
    const auto image = random.images(model, 1);
    const SeededTensor request = inference.client.encrypt(image);
    const EncryptedTensor first = inference.session.infer(request);
    const EncryptedTensor second = inference.session.infer(request);
    EXPECT_EQ(inference.client.decrypt(first), inference.client.decrypt(second));
    for (std::size_t i = 0; i < first.residues[0].size(); ++i) {
        for (std::size_t part = 0; part < 2; ++part) {
            const RnsPolynomial& a = first.residues[0][i].parts[part];
            const RnsPolynomial& b = second.residues[0][i].parts[part];
            std::size_t same = 0;
            for (std::size_t j = 0; j < a.n(); ++j) {
                same += a.limb(0)[j] == b.limb(0)[j] ? 1 : 0;
            }
            EXPECT_LT(same, 5U);
        }
    }
    EXPECT_NE(refusal([&] {
                  (void)Session(model, inference.plan,
                                without(inference.client.evaluation_keys(), false, true));
              }).find("public key"),
              std::string::npos);
}

TEST(CircuitPrivacy, FloodRefusesWhatItCannotDo) {
    const Inference inference(small_network(), request_of(Packing::slots, 40));
    const PublicKey key = *inference.client.evaluation_keys().public_key;
    const Encryptor encryptor(inference.client.context(), key);
    const std::uint64_t t = inference.plan.client.parameters.plain_moduli[0];
    Ciphertext zero = encryptor.encrypt_zero(t, 1);
    EXPECT_THROW((void)flood(inference.client.context(), encryptor, zero, 0), Error);
    EXPECT_THROW((void)flood(inference.client.context(), encryptor, zero, max_flood_bits + 1), Error);
    zero.parts.push_back(zero.parts[0]);
    EXPECT_THROW((void)flood(inference.client.context(), encryptor, zero, 5), Error);
}

/// Words of every length, their top bits included: the flood stays inside its bounds and reaches their ends.
TEST(CircuitPrivacy, FloodFillsItsBoundsAtEverySize) {
    Parameters parameters;
    parameters.n = 1024;
    parameters.data_bits = {50, 50, 50, 50};
    parameters.special_bits = {50};
    parameters.plain_moduli = {12289};
    parameters.allow_insecure = true;
    ClientPlan plan;
    plan.parameters = resolve(parameters);
    plan.public_key = true;
    plan.relin_keys = false;
    plan.reply_factors = {1};
    const Client client(plan);
    const PublicKey key = *client.evaluation_keys().public_key;
    const Encryptor encryptor(client.context(), key);
    for (const int bits : {12, 40, 62, 63, 64, 100, 127, 128, 180}) {
        const std::vector<double> noise =
            noise_of(client, flood(client.context(), encryptor, encryptor.encrypt_zero(12289, 4), bits));
        double lowest = 0;
        double highest = 0;
        for (const double e : noise) {
            lowest = std::min(lowest, e / std::exp2(bits));
            highest = std::max(highest, e / std::exp2(bits));
        }
        EXPECT_GT(lowest, -3.25) << bits;  // at 12 bits the encryptions of zero still show
        EXPECT_LT(lowest, -1.9) << bits;
        EXPECT_LT(highest, 3.25) << bits;
        EXPECT_GT(highest, 1.9) << bits;
        if (bits > 30) {
            EXPECT_GE(lowest, -3 - 1e-6) << bits;
            EXPECT_LE(highest, 3 + 1e-6) << bits;
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
