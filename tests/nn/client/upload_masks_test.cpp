// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/upload_masks.h>

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/nn/client/tensor_file.h>
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

/// Across plaintext moduli, in full ciphertexts, and in files.
TEST(RepeatedRandomness, IsFoundWhereverUploadsAreRead) {
    PlanRequest request = request_of(Packing::slots);
    request.public_encryption = true;
    request.plain_moduli = 2;
    const Model model = small_network();
    const Inference inference(model, request);
    ASSERT_EQ(inference.plan.moduli(), 2U);
    const ClientPlan& plan = inference.plan.client;
    const Context& context = inference.client.context();
    const auto pixels = SmallModel(5).images(model, 2);

    const auto read_back = [&](const Upload& upload) {
        std::stringstream stream;
        save_upload(stream, context.ring(), plan, KeySetId{}, upload);
        return refusal([&] {
            Source source(stream, "upload");
            (void)load_upload(source, context, plan);
        });
    };
    SeededTensor seeded = inference.client.encrypt(pixels);
    EncryptedTensor full = encrypt_public(plan, context, inference.client.public_key(), pixels);
    EXPECT_EQ(read_back(seeded), "");
    EXPECT_EQ(read_back(full), "");
    EXPECT_EQ(refusal([&] { (void)inference.session.infer(seeded); }), "");
    EXPECT_EQ(refusal([&] { (void)inference.session.infer(full); }), "");

    seeded.residues[1][3].seed = seeded.residues[0][2].seed;
    const std::string again =
        "found that of ciphertext 2 again in ciphertext " + std::to_string(seeded.residues[0].size() + 3);
    EXPECT_NE(read_back(seeded).find("upload: expected fresh randomness in every ciphertext, " + again),
              std::string::npos);
    EXPECT_NE(refusal([&] { (void)inference.session.infer(seeded); }).find("infer: expected fresh"),
              std::string::npos);
    full.residues[1][3].parts[1] = full.residues[0][2].parts[1];
    EXPECT_NE(read_back(full).find(again), std::string::npos);
    EXPECT_NE(refusal([&] { (void)inference.session.infer(full); }).find(again), std::string::npos);

    full.residues[1][3].parts[1] = RnsPolynomial(16, context.ring().max_limbs(), Form::coefficient);
    EXPECT_NE(refusal([&] { (void)inference.session.infer(full); }).find("expected fresh ciphertexts"),
              std::string::npos);
}

TEST(UploadMasks, KnowEverySeedAndMaskOnce) {
    UploadMasks masks("upload");
    SeededCiphertext seeded;
    for (std::uint8_t i = 0; i < 3; ++i) {
        seeded.seed.fill(i);
        EXPECT_NO_THROW(masks.add(seeded));
    }
    Ciphertext full;
    full.parts.assign(2, RnsPolynomial(16, 1, Form::coefficient));
    full.parts[1].limb(0)[7] = 5;
    EXPECT_NO_THROW(masks.add(full));
    full.parts[0].limb(0)[0] = 1;  // another message under the same mask
    EXPECT_NE(
        refusal([&] { masks.add(full); })
            .find("upload: expected fresh randomness in every ciphertext, found that of ciphertext 3 again "
                  "in ciphertext 4"),
        std::string::npos);
    seeded.seed.fill(1);
    EXPECT_NE(refusal([&] { masks.add(seeded); }).find("that of ciphertext 1 again"), std::string::npos);
    seeded.seed.back() = 2;
    EXPECT_EQ(refusal([&] { masks.add(seeded); }), "");
}

}  // namespace
}  // namespace lacuna::testing
