// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/reply.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/serialize.h>
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

class ReplyTest : public SmallNetwork {};

INSTANTIATE_TEST_SUITE_P(Packings, ReplyTest, ::testing::ValuesIn(all_packings), packing_param_name);

TEST_P(ReplyTest, LeavesOutWhatThePlanSays) {
    const ClientPlan& plan = inference_.plan.client;
    const Ring& ring = inference_.client.context().ring();
    const Reduction reduction = reply_reduction(ring, plan);
    const int bits = ring.data().modulus(0).bits();
    EXPECT_EQ(reduction.c0_bits, bits - plan.reply_dropped_bits[0]);
    EXPECT_EQ(reduction.c1_bits, bits - plan.reply_dropped_bits[1]);
    if (plan.packing == Packing::slots) {
        EXPECT_TRUE(reduction.coefficients.empty()) << "every slot needs every coefficient";
    } else {
        // The digits of all logits, side by side.
        ASSERT_EQ(reduction.coefficients.size(),
                  std::max(plan.reply_coefficients, plan.classes * plan.reply_stride));
        for (std::uint32_t i = 0; i < reduction.coefficients.size(); ++i) {
            EXPECT_EQ(reduction.coefficients[i], i);
        }
    }
}

TEST_P(ReplyTest, ShortRepliesHoldTheSameLogits) {
    const ClientPlan& plan = inference_.plan.client;
    ASSERT_EQ(plan.reply_limbs, 1U);
    const Ring& ring = inference_.client.context().ring();
    const auto image = random_.images(model_, 1);
    const EncryptedTensor whole = inference_.session.infer(inference_.client.encrypt(image));
    EncryptedTensor reply = whole;
    const std::uint64_t bytes = shorten_reply(ring, plan, reply);
    EXPECT_EQ(inference_.client.decrypt(reply), inference_.reference.batch_logits(image, 1));
    std::size_t ciphertexts = 0;
    for (const auto& residues : reply.residues) {
        ciphertexts += residues.size();
    }
    EXPECT_EQ(bytes, ciphertexts * reduced_ciphertext_bytes(ring, reply_reduction(ring, plan)));
    EXPECT_LT(bytes, ciphertexts * ciphertext_bytes(ring, 2, 1));
    EXPECT_NE(reply.residues, whole.residues) << "low bits are gone";
}

/// The budget that a plan states is that of the reply as it arrives, low bits gone. (In radix most of what
/// arrives holds no logit, and no message.)
TEST(Reply, ArrivesWithTheBudgetThatIsStated) {
    const Model model = small_network();
    SmallModel random(78);
    for (const auto& [packing, privacy_bits] :
         {std::pair{Packing::slots, 0}, {Packing::packed, 0}, {Packing::packed, 40}}) {
        const Inference inference(model, request_of(packing, privacy_bits));
        const ClientPlan& plan = inference.plan.client;
        EXPECT_GT(plan.reply_dropped_bits[0] + plan.reply_dropped_bits[1], 0);
        EXPECT_GT(inference.plan.reply_budget_bits, 0);
        for (int run = 0; run < 3; ++run) {
            EncryptedTensor reply =
                inference.session.infer(inference.client.encrypt(random.images(model, 1)));
            EXPECT_GE(inference.client.noise_budget(reply), inference.plan.steps.back().budget_bits);
            (void)shorten_reply(inference.client.context().ring(), plan, reply);
            EXPECT_GE(inference.client.noise_budget(reply), inference.plan.reply_budget_bits);
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
