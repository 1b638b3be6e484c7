// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/compiled_model.h>

#include <gtest/gtest.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <filesystem>
#include <memory>

#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/server/session.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>
#include "tests/support/inference.h"
#include "tests/support/places.h"

namespace lacuna::testing {
namespace {

PlanRequest request_with_moduli(Packing packing, std::size_t moduli = 0, int privacy_bits = 0) {
    PlanRequest request;
    request.packing = packing;
    request.plain_kind = PlainKind::integers;
    request.plain_moduli = moduli;
    request.privacy_bits = privacy_bits;
    return request;
}

Model network() {
    return SmallModel(21).two_activations(2, 2, 3);
}

class Compiled : public ::testing::TestWithParam<Packing> {
  protected:
    const Model model_ = network();
    const Plan plan_ = make_plan(model_, request_with_moduli(GetParam()));
    const std::shared_ptr<const CompiledModel> compiled_ =
        std::make_shared<const CompiledModel>(model_, plan_);
    SmallModel random_{22};
};

INSTANTIATE_TEST_SUITE_P(Packings, Compiled, ::testing::ValuesIn(all_packings),
                         [](const auto& info) { return std::string(packing_name(info.param)); });

TEST_P(Compiled, ServesEveryClientWithItsOwnKeys) {
    const Reference reference(model_);
    for (int i = 0; i < 3; ++i) {
        const Client client(plan_.client);
        const EvaluationKeys keys = client.evaluation_keys();
        const auto image = random_.images(model_, 1);
        EXPECT_EQ(client.decrypt(compiled_->infer(keys, client.encrypt(image))),
                  reference.batch_logits(image, 1));
    }
}

TEST_P(Compiled, IsSharedByItsSessions) {
    std::vector<Session> sessions;
    for (int i = 0; i < 3; ++i) {
        const Client client(plan_.client);
        sessions.emplace_back(compiled_, std::make_shared<const EvaluationKeys>(client.evaluation_keys()));
    }
    EXPECT_EQ(compiled_.use_count(), 4);
    for (const Session& session : sessions) {
        EXPECT_EQ(session.compiled(), compiled_);
        EXPECT_EQ(&session.context(), &compiled_->context());
        EXPECT_EQ(&session.plan(), &compiled_->plan());
    }
    EXPECT_LE(sizeof(Session), 4 * sizeof(void*));
}

TEST_P(Compiled, RefusesKeysThatAreNotThePlans) {
    const Client client(plan_.client);
    EvaluationKeys keys = client.evaluation_keys();
    const SeededTensor request = client.encrypt(random_.images(model_, 1));
    keys.relin_keys.reset();
    EXPECT_THROW((void)compiled_->infer(keys, request), Error);
    keys = client.evaluation_keys();
    keys.ring = {};
    EXPECT_THROW((void)compiled_->infer(keys, request), Error);
    EXPECT_THROW(compiled_->check(keys), Error);
    EXPECT_THROW((void)Session(compiled_, std::make_shared<const EvaluationKeys>(keys)), Error);
}

/// Each modulus by itself, in any order and with different servers, is the whole.
TEST(CompiledModels, InferOneModulusAtATime) {
    const Model model = network();
    const Plan plan = make_plan(model, request_with_moduli(Packing::slots, 3));
    ASSERT_EQ(plan.moduli(), 3U);
    const CompiledModel compiled(model, plan);
    const CompiledModel elsewhere(model, plan);
    const Client client(plan.client);
    const EvaluationKeys keys = client.evaluation_keys();
    SmallModel random(23);
    const auto images = random.images(model, 5);
    const SeededTensor request = client.encrypt(images);
    const EncryptedTensor whole = compiled.infer(keys, request);
    EncryptedTensor joined;
    joined.layout = whole.layout;
    joined.residues.resize(3);
    for (const std::size_t m : {2, 0, 1}) {
        const CompiledModel& server = m == 0 ? elsewhere : compiled;
        std::vector<double> done;
        RunControl control;
        control.progress = [&](const Progress& progress) {
            EXPECT_LE(progress.done, progress.total * (1 + 1e-12));
            EXPECT_NEAR(progress.total, plan.cost() / 3, plan.cost() * 1e-12);
            done.push_back(progress.done);
        };
        joined.residues[m] = server.infer_modulus(keys, m, request.residues[m], control);
        EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
        EXPECT_DOUBLE_EQ(done.back(), plan.cost() / 3);
    }
    EXPECT_EQ(joined.residues, whole.residues);
    EXPECT_EQ(client.decrypt(joined), Reference(model).batch_logits(images, 1));

    EXPECT_THROW((void)compiled.infer_modulus(keys, 3, request.residues[0]), Error);
    EXPECT_THROW((void)compiled.infer_modulus(keys, 1, request.residues[0]), Error) << "of another t";
    std::vector<SeededCiphertext> fewer = request.residues[0];
    fewer.pop_back();
    EXPECT_THROW((void)compiled.infer_modulus(keys, 0, fewer), Error);
    EXPECT_THROW((void)compiled.infer_modulus(keys, 0, std::vector<Ciphertext>{}), Error)
        << "the plan has no room for public encryption";
}

/// Coefficients that vanish modulo a plaintext modulus: that of the highest power, or all but the constant.
TEST(CompiledModels, LeaveOutCoefficientsThatVanishModuloT) {
    constexpr std::uint64_t t = 786433;  // 3 x 2^18 + 1, and so a prime for slots of every ring
    for (const bool all : {false, true}) {
        SmallModel random(24);
        Model model = random.empty({1, 2, 2}, 1);
        random.add_dense(model, 3, 2, 5);
        model.layers.push_back({"act", Activation{{3, all ? mpz_class(2 * t) : mpz_class(1), t}}});
        random.add_dense(model, 2, 2, 5);
        std::get<Dense>(model.layers.back().kind).bias[0] = mpz_class(1) << 48;  // moduli beyond t
        Plan plan = make_plan(model, request_with_moduli(Packing::slots, 2));
        ASSERT_GT(plan.client.parameters.plain_moduli[0], t) << "so that its proof of noise holds for t";
        plan.client.parameters.plain_moduli[0] = t;
        const CompiledModel compiled(model, plan);
        const Client client(plan.client);
        const auto image = random.images(model, 1);
        const std::vector<Ciphertext> values =
            compiled.infer_modulus(client.evaluation_keys(), 0, client.encrypt(image).residues[0]);
        const Decryptor decryptor(client.context(), client.secret_key());
        const BatchEncoder encoder(client.context(), 0);
        const Modulus modulus(t);
        const std::vector<mpz_class> expected = Reference(model).logits(image);
        ASSERT_EQ(values.size(), expected.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            EXPECT_EQ(encoder.decode(decryptor.decrypt(values[i]))[0],
                      modulus.centre(residue(expected[i], modulus)));
        }
    }
}

#if defined(__GLIBC__)
std::size_t allocated_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// A further client costs its keys, and next to nothing else.
TEST(CompiledModels, CostASecondClientItsKeysAlone) {
    const Model model = load_model(test::source_folder() / "nn" / "models" / "faster-cryptonets.lacuna.json");
    const Plan plan = make_plan(model, request_with_moduli(Packing::slots, 0, 40));
    const std::size_t before = allocated_bytes();
    const auto compiled = std::make_shared<const CompiledModel>(model, plan);
    const std::size_t model_bytes = allocated_bytes() - before;
    const Client client(plan.client);
    const auto keys = std::make_shared<const EvaluationKeys>(client.evaluation_keys());
    const Session first(compiled, keys);
    const std::size_t with_one = allocated_bytes();
    const Session second(compiled, keys);
    EXPECT_LT(allocated_bytes() - with_one, 4096U);
    EXPECT_GT(model_bytes, std::size_t{1} << 20) << "what is shared is worth sharing";
}
#endif

}  // namespace
}  // namespace lacuna::testing
