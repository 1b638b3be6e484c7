// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/reply_mask.h>

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <lacuna/nn/packing/packed.h>
#include "tests/support/inference.h"

namespace lacuna::testing {
namespace {

constexpr std::size_t n = 2048;
constexpr std::size_t slots = 256;

Context context_of() {
    Parameters parameters;
    parameters.n = n;
    parameters.data_bits = {50};
    parameters.plain_polynomials = {*PackedPacking::plain_modulus(n, slots, mpz_class(1) << 40)};
    parameters.allow_insecure = true;
    return Context(parameters);
}

PackedTensors ten_logits() {
    PackedTensors tensors;
    for (std::size_t r = 0; r < 10; ++r) {
        tensors.logits.push_back(r + 250);  // around the row's end
    }
    tensors.parts = {25, 10};
    return tensors;
}

/// Whatever the parts of a logit are, masked ones are uniform but for their sum.
TEST(ReplyMask, SharesAreUniformAndSumToZero) {
    const Context context = context_of();
    const auto encoder = std::make_shared<const BinomialEncoder>(context);
    const ReplyMask mask(encoder, ten_logits());
    constexpr int draws = 40;
    constexpr std::size_t bins = 8;
    std::vector<std::vector<int>> counts(25, std::vector<int>(bins));  // of every part
    std::vector<mpz_class> before;
    for (int draw = 0; draw < draws; ++draw) {
        std::vector<mpz_class> values = encoder->decode(mask.shares());
        ASSERT_EQ(values.size(), slots);
        std::size_t same = 0;
        for (std::size_t j = 0; j < before.size(); ++j) {
            same += values[j] == before[j] && values[j] != 0 ? 1 : 0;
        }
        EXPECT_EQ(same, 0U);  // 250 chances of 2^-40
        before = values;
        for (std::size_t r = 0; r < 10; ++r) {
            mpz_class sum = 0;
            for (std::size_t i = 0; i < 25; ++i) {
                mpz_class& value = values[(r + 250 + 10 * i) % slots];
                sum += value;
                const double place =
                    mpz_class(value + encoder->modulus() / 2).get_d() / encoder->modulus().get_d();
                ++counts[i][std::min(bins - 1, static_cast<std::size_t>(place * bins))];
                value = 0;
            }
            EXPECT_EQ(sum % encoder->modulus(), 0) << r;
        }
        EXPECT_TRUE(std::ranges::all_of(values, [](const mpz_class& value) { return value == 0; }));
    }
    for (const std::vector<int>& of_part : counts) {
        for (const int count : of_part) {
            EXPECT_NEAR(count, 50, 8 * std::sqrt(50.0));
        }
    }
}

/// Of images that share a ciphertext, each has shares of its own.
TEST(ReplyMask, CoversEveryImageOfASet) {
    const Context context = context_of();
    const auto encoder = std::make_shared<const BinomialEncoder>(context);
    PackedTensors tensors;
    tensors.images = 4;
    tensors.logits = {248, 252};
    tensors.parts = {8, 32};
    std::vector<mpz_class> values = encoder->decode(ReplyMask(encoder, tensors).shares());
    for (std::size_t image = 0; image < tensors.images; ++image) {
        for (const std::size_t logit : tensors.logits) {
            mpz_class sum = 0;
            std::size_t zeros = 0;
            for (std::size_t i = 0; i < tensors.parts.count; ++i) {
                mpz_class& value = values[(logit + image + 32 * i) % slots];
                sum += value;
                zeros += value == 0 ? 1 : 0;
                value = 0;
            }
            EXPECT_EQ(sum % encoder->modulus(), 0) << logit << ", image " << image;
            EXPECT_EQ(zeros, 0U) << "chances of 2^-40";
        }
    }
    EXPECT_TRUE(std::ranges::all_of(values, [](const mpz_class& value) { return value == 0; }));
}

/// Two replies to one request share the logits and no part of them.
TEST(ReplyMask, RepliesShowNothingButTheirSums) {
    test::RandomModel random(9);
    Model model;
    model.name = "masked";
    model.input_shape = {1, 8, 16};
    model.thresholds = {128};
    model.layers.push_back({"flatten", Flatten{}});
    model.layers.push_back({"dense", Dense{random.weights(4, 128, 2), random.integers(4, 5)}});
    for (const int privacy_bits : {0, 40}) {
        PlanRequest request;
        request.packing = Packing::packed;
        request.privacy_bits = privacy_bits;
        const Inference inference(model, request);
        const PackedTensors& packed = inference.plan.client.packed;
        ASSERT_GT(packed.parts.count, 1U);
        const Context& context = inference.client.context();
        const BinomialEncoder encoder(context);
        const Decryptor decryptor(context, inference.client.secret_key());
        const std::vector<std::uint8_t> pixels(128, 200);
        const SeededTensor upload = inference.client.encrypt(pixels);
        std::vector<std::vector<mpz_class>> seen;
        for (int reply = 0; reply < 2; ++reply) {
            const EncryptedTensor answer = inference.session.infer(upload);
            EXPECT_EQ(inference.client.decrypt(answer), inference.reference.batch_logits(pixels, 1));
            seen.push_back(encoder.decode(decryptor.decrypt(answer.residues.front().front())));
        }
        std::vector<bool> is_part(encoder.slots());
        for (const std::size_t logit : packed.logits) {
            for (std::size_t i = 0; i < packed.parts.count; ++i) {
                const Place part = repeat_of({0, logit}, packed.parts, i, encoder.slots());
                is_part[part.position] = true;
            }
        }
        std::size_t equal = 0;
        for (std::size_t j = 0; j < encoder.slots(); ++j) {
            if (is_part[j]) {
                equal += seen[0][j] == seen[1][j] ? 1 : 0;
            } else {
                EXPECT_EQ(seen[0][j], 0) << j;
                EXPECT_EQ(seen[1][j], 0) << j;
            }
        }
        EXPECT_LE(equal, 2U);  // p has ten bits at least
    }
}

}  // namespace
}  // namespace lacuna::testing
