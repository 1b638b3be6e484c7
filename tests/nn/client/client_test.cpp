// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/client.h>

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

class ClientTest : public SmallNetwork {};

INSTANTIATE_TEST_SUITE_P(Packings, ClientTest, ::testing::Values(Packing::slots, Packing::radix),
                         packing_param_name);

TEST_P(ClientTest, SecretKeyOutlivesItsClient) {
    const auto image = random_.images(model_, 1);
    const SeededTensor request = inference_.client.encrypt(image);
    const Client again(inference_.plan.client, inference_.client.secret_key());
    EXPECT_EQ(again.decrypt(inference_.session.infer(request)), inference_.reference.batch_logits(image, 1));
}

TEST_P(ClientTest, RefusesImagesOfAnotherSize) {
    const std::size_t pixels = model_.input_shape.size();
    for (const std::size_t count : {std::size_t{0}, pixels - 1, pixels + 1, 2 * pixels - 1}) {
        EXPECT_NE(refusal([&] {
                      (void)inference_.client.encrypt(std::vector<std::uint8_t>(count));
                  }).find("of " + std::to_string(pixels) + " pixels, found " + std::to_string(count)),
                  std::string::npos);
    }
    const std::size_t too_many = (inference_.plan.client.batch + 1) * pixels;
    EXPECT_NE(refusal([&] { (void)inference_.client.encrypt(std::vector<std::uint8_t>(too_many)); }), "");
}

/// Thresholds of the channels, and of every element: encrypted equals the reference in every packing.
TEST(ClientFeatures, AreQuantisedAsInTheReference) {
    for (const Packing packing : {Packing::slots, Packing::radix, Packing::packed}) {
        SmallModel random(4);
        Model model = random.one_activation(2, 2, 2, 3);
        model.thresholds.clear();
        model.features.thresholds = {{1, 40, 41, 250}, {128}};
        if (packing != Packing::slots) {
            model.features.thresholds.clear();
            for (std::size_t e = 0; e < model.input_shape.size(); ++e) {
                const int low = 1 + static_cast<int>(e);
                model.features.thresholds.push_back(e % 3 == 0 ? std::vector<int>{low, low + 99, 255}
                                                               : std::vector<int>{3 * low});
            }
        }
        const Inference inference(model, {1, packing, 128, 0});
        inference.expect_exact(random.images(model, 1));
    }
}

TEST_P(ClientTest, DoesNotDependOnTheThreadsOfKeysAndClient) {
    const Client client(inference_.plan.client);
    const Session session(model_, inference_.plan, client.evaluation_keys(3));
    RunControl control;
    control.threads = 3;
    const auto image = random_.images(model_, 1);
    EXPECT_EQ(client.decrypt(session.infer(client.encrypt(image, control)), control),
              inference_.reference.batch_logits(image, 1));
}

TEST_P(ClientTest, AnotherKeyReadsNothing) {
    const auto image = random_.images(model_, 1);
    const Client stranger(inference_.plan.client);
    const EncryptedTensor reply = inference_.session.infer(inference_.client.encrypt(image));
    EXPECT_NE(stranger.decrypt(reply), inference_.reference.batch_logits(image, 1));
    EXPECT_LT(stranger.noise_budget(reply), 0.1);
}

TEST_P(ClientTest, NeverRepeatsASeedOrAnError) {
    // The same pixels everywhere, under every plaintext modulus and in two requests.
    const std::vector<std::uint8_t> image(model_.input_shape.size(), 200);
    std::vector<Seed> seeds;
    std::vector<std::vector<std::uint64_t>> words;
    for (int round = 0; round < 2; ++round) {
        for (const auto& ciphertexts : inference_.client.encrypt(image).residues) {
            for (const SeededCiphertext& ciphertext : ciphertexts) {
                seeds.push_back(ciphertext.seed);
            }
        }
    }
    std::sort(seeds.begin(), seeds.end());
    EXPECT_EQ(std::adjacent_find(seeds.begin(), seeds.end()), seeds.end());
    EXPECT_EQ(seeds.size(), 2 * model_.input_shape.size() * inference_.plan.moduli());
}

}  // namespace
}  // namespace lacuna::testing
