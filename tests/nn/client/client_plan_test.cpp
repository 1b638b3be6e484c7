// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/client_plan.h>

#include <gtest/gtest.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

TEST(ClientPlan, LaysOutInputsAndReplies) {
    for (const Packing packing : all_packings) {
        const ClientPlan plan = make_plan(small_network(), request_of(packing)).client;
        const Layout input = plan.input_layout(1);
        EXPECT_EQ(input.packing, packing);
        EXPECT_EQ(input.elements, plan.input_shape.size());
        EXPECT_EQ(plan.input_layout(5).batch, 5U);
        if (packing == Packing::packed) {  // where the elements are is its own to say
            const std::size_t each = plan.packed.input.ciphertexts(plan.input_shape);
            EXPECT_EQ(input.ciphertexts(), each);
            EXPECT_EQ(plan.input_layout(5).ciphertexts(), 5 * each);
            ClientPlan shared = plan;  // two images a set
            shared.packed.images = 2;
            EXPECT_EQ(shared.input_layout(4).ciphertexts(), 2 * each);
            EXPECT_EQ(shared.input_layout(5).ciphertexts(), 3 * each);
            EXPECT_EQ(shared.reply_layout(5).sets(), 3U);
            const Layout reply = plan.reply_layout(2);
            const std::size_t slots = plan.parameters.plain_polynomials.front().power();
            EXPECT_EQ(reply.elements, plan.classes);
            EXPECT_EQ(reply.ciphertexts() % 2, 0U);
            for (const std::size_t logit : plan.packed.logits) {
                EXPECT_LT(logit, reply.ciphertexts() / 2 * slots);
            }
            continue;
        }
        EXPECT_EQ(input.ciphertexts(), plan.input_shape.size());
        for (std::size_t i = 0; i < input.elements; ++i) {
            EXPECT_EQ(input.place(i), (Place{i, 0}));
        }
        const Layout reply = plan.reply_layout(1);
        EXPECT_EQ(reply.elements, plan.classes);
        EXPECT_EQ(reply.stride, plan.reply_stride);
        EXPECT_EQ(reply.ciphertexts(), packing == Packing::slots ? plan.classes : 1U);
        for (std::size_t i = 0; i < plan.classes; ++i) {
            EXPECT_EQ(reply.place(i),
                      packing == Packing::slots ? (Place{i, 0}) : (Place{0, i * plan.reply_stride}));
        }
    }
}

/// A public key is sent where the plan, others who encrypt, or the name of the key set ask for one.
TEST(ClientPlan, SendsAPublicKeyWhereSomethingAsksForIt) {
    for (int bits = 0; bits < 16; ++bits) {
        ClientPlan plan;
        plan.public_key = bits & 1;
        plan.public_encryption = bits & 2;
        plan.relin_keys = bits & 4;
        plan.galois_elements = (bits & 8) != 0 ? std::vector<std::uint32_t>{3} : std::vector<std::uint32_t>{};
        EXPECT_EQ(plan.sends_public_key(), (bits & 3) != 0 || bits == 0) << bits;
    }
}

}  // namespace
}  // namespace lacuna::testing
