// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/session.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

class SessionTest : public SmallNetwork {};

INSTANTIATE_TEST_SUITE_P(Packings, SessionTest, ::testing::Values(Packing::slots, Packing::radix),
                         packing_param_name);

TEST_P(SessionTest, EqualsTheReference) {
    EXPECT_LE(inference_.plan.client.parameters.n, 4096U);
    const std::size_t images = GetParam() == Packing::slots ? 9 : 1;
    for (int round = 0; round < 3; ++round) {
        NoiseWatch watch(inference_.client, 6);
        inference_.expect_exact(random_.images(model_, images), std::ref(watch));
        EXPECT_EQ(watch.steps(), inference_.plan.steps.size() * inference_.plan.moduli());
    }
    for (const std::uint8_t pixel : {0, 255}) {
        inference_.expect_exact(std::vector<std::uint8_t>(images * model_.input_shape.size(), pixel));
    }
}

TEST_P(SessionTest, DoesNotDependOnThreads) {
    // The same request, so that the ciphertexts of the reply have to be the same, not only the logits.
    const SeededTensor request = inference_.client.encrypt(random_.images(model_, 1));
    std::optional<EncryptedTensor> first;
    for (const int threads : {1, 2, 3}) {
        RunControl control;
        control.threads = threads;
        EncryptedTensor reply = inference_.session.infer(request, control);
        if (!first) {
            first = std::move(reply);
            continue;
        }
        EXPECT_EQ(reply.layout, first->layout);
        EXPECT_EQ(reply.residues, first->residues);
    }
}

TEST_P(SessionTest, ServesSeveralCallersAtOnce) {
    const auto image = random_.images(model_, 1);
    const Logits expected = inference_.reference.batch_logits(image, 1);
    std::vector<Logits> found(4);
    std::vector<std::jthread> callers;
    for (Logits& logits : found) {
        callers.emplace_back([&] {
            logits = inference_.client.decrypt(inference_.session.infer(inference_.client.encrypt(image)));
        });
    }
    callers.clear();
    for (const Logits& logits : found) {
        EXPECT_EQ(logits, expected);
    }
}

TEST_P(SessionTest, SessionsShareAContextAndMayMove) {
    const Context context(inference_.plan.client.parameters);
    std::vector<Session> sessions;
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(inference_.plan.client);
        sessions.emplace_back(model_, inference_.plan, context, clients.back().evaluation_keys());
    }
    const auto image = random_.images(model_, 1);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(clients[i].decrypt(sessions[i].infer(clients[i].encrypt(image))),
                  inference_.reference.batch_logits(image, 1));
    }
}

TEST_P(SessionTest, ReportsProgressThatOnlyRises) {
    for (const int threads : {1, 3}) {
        RunControl control;
        control.threads = threads;
        std::vector<double> done;
        double total = 0;
        control.progress = [&](const Progress& progress) {
            EXPECT_FALSE(progress.what.empty());
            done.push_back(progress.done);
            total = progress.total;
        };
        (void)inference_.session.infer(inference_.client.encrypt(random_.images(model_, 1)), control);
        ASSERT_GT(done.size(), 3U);
        EXPECT_LT(done.size(), 1000U);
        EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
        EXPECT_GE(done.front(), 0);
        EXPECT_DOUBLE_EQ(done.back(), total);
        EXPECT_DOUBLE_EQ(total, inference_.plan.cost());
    }
}

TEST_P(SessionTest, StopsWhereverItIsAskedTo) {
    const auto image = random_.images(model_, 1);
    const SeededTensor request = inference_.client.encrypt(image);
    // Counts the reports of a whole run, then stops at every one of them in turn, each time at once.
    std::size_t reports = 0;
    RunControl control;
    control.progress = [&](const Progress&) { ++reports; };
    const EncryptedTensor reply = inference_.session.infer(request, control);
    const std::size_t step = std::max<std::size_t>(1, reports / 8);
    for (std::size_t stop_at = 1; stop_at < reports; stop_at += step) {
        std::stop_source source;
        std::size_t seen = 0;
        control.stop = source.get_token();
        control.progress = [&](const Progress&) {
            if (++seen == stop_at) {
                source.request_stop();
            }
        };
        EXPECT_THROW((void)inference_.session.infer(request, control), Stopped) << "at report " << stop_at;
        EXPECT_LE(seen, stop_at + 2);
    }
    std::stop_source stopped;
    stopped.request_stop();
    control.stop = stopped.get_token();
    EXPECT_THROW((void)inference_.client.encrypt(image, control), Stopped);
    EXPECT_THROW((void)inference_.client.decrypt(reply, control), Stopped);
}

TEST_P(SessionTest, PassesOnWhatAnObserverOrCallbackThrows) {
    const SeededTensor request = inference_.client.encrypt(random_.images(model_, 1));
    EXPECT_THROW(
        (void)inference_.session.infer(
            request, {}, [](const PlanStep&, const std::vector<Ciphertext>&) { throw std::bad_alloc(); }),
        std::bad_alloc);
    RunControl control;
    control.threads = 2;
    control.progress = [](const Progress&) { throw std::runtime_error("no terminal"); };
    EXPECT_THROW((void)inference_.session.infer(request, control), std::runtime_error);
}

/// Noise that occurs twice outgrows what the plan proves of independent noises.
TEST_P(SessionTest, RefusesRepeatedRandomness) {
    const SeededTensor good = inference_.client.encrypt(random_.images(model_, 1));
    const auto infer = [&](const auto& change) {
        SeededTensor request = good;
        change(request.residues);
        return refusal([&] { (void)inference_.session.infer(std::move(request)); });
    };
    EXPECT_EQ(infer([](auto&) {}), "");
    const std::size_t last = good.residues[0].size() - 1;
    EXPECT_NE(infer([&](auto& r) {
                  r[0][last] = r[0][0];
              }).find("found that of ciphertext 0 again in ciphertext " + std::to_string(last)),
              std::string::npos);
    EXPECT_NE(infer([&](auto& r) { r[0][1].seed = r[0][2].seed; }), "");
    EXPECT_NE(infer([&](auto& r) { std::fill(r[0].begin(), r[0].end(), r[0][0]); }), "");
}

TEST_P(SessionTest, RefusesAnotherModel) {
    const auto session_of = [&](const Model& model) {
        return refusal([&] { (void)Session(model, inference_.plan, inference_.client.evaluation_keys()); });
    };
    EXPECT_EQ(session_of(model_), "");
    Model other = model_;
    other.name = "other";
    EXPECT_NE(session_of(other).find("was made for the model 'small-1'"), std::string::npos);
    other = model_;
    other.thresholds.pop_back();
    EXPECT_NE(session_of(other).find("plan this model"), std::string::npos);
    other = model_;
    other.features.ranges.assign(other.input_shape.channels, {});
    EXPECT_NE(session_of(other).find("plan this model"), std::string::npos);
    other = model_;
    std::get<Dense>(other.layers.back().kind).bias.pop_back();
    std::get<Dense>(other.layers.back().kind).weights.rows.pop_back();
    EXPECT_NE(session_of(other).find("plan this model"), std::string::npos);
    // The same name, input and classes, but other layers or weights: the plan's proofs do not hold for it.
    other = model_;
    std::get<Dense>(other.layers.back().kind).weights.rows.back().back().weight *= -1;
    EXPECT_NE(session_of(other).find("other layers or weights"), std::string::npos);
    other = model_;
    std::get<Activation>(other.layers[1].kind).coefficients.emplace_back(1);
    EXPECT_NE(session_of(other).find("other layers"), std::string::npos);
    other = model_;
    other.layers.pop_back();
    SmallModel(5).add_dense(other, 3, 2, 0);
    EXPECT_NE(session_of(other).find("other layers"), std::string::npos);
    other = model_;
    other.layers.push_back({"act-more", Activation{{0, 0, 1}}});
    EXPECT_NE(session_of(other).find("other layers"), std::string::npos);
}

TEST_P(SessionTest, RefusesOtherLayouts) {
    const SeededTensor good = inference_.client.encrypt(random_.images(model_, 1));
    const auto infer = [&](const auto& change) {
        SeededTensor request = good;
        change(request);
        return refusal([&] { (void)inference_.session.infer(std::move(request)); });
    };
    EXPECT_EQ(infer([](SeededTensor&) {}), "");
    for (const std::string& message : {
             infer([](SeededTensor& r) { r.residues.clear(); }),
             infer([](SeededTensor& r) { r.residues.push_back(r.residues[0]); }),
             infer([](SeededTensor& r) { r.residues[0].pop_back(); }),
             infer([](SeededTensor& r) { ++r.layout.elements; }),
             infer([](SeededTensor& r) { r.layout.stride = 1; }),
             infer([](SeededTensor& r) { r.layout.batch = 0; }),
             infer([](SeededTensor& r) { r.layout.batch = 100000; }),
             infer([](SeededTensor& r) {
                 r.layout.packing = r.layout.packing == Packing::slots ? Packing::radix : Packing::slots;
             }),
         }) {
        EXPECT_NE(message.find("another layout than the plan's"), std::string::npos) << message;
    }
    EXPECT_NE(
        infer([](SeededTensor& r) { r.residues[0][0].t = PlainModulus(3); }).find("ciphertexts modulo t"),
        std::string::npos);

    const EncryptedTensor reply = inference_.session.infer(good);
    const auto decrypt = [&](const auto& change) {
        EncryptedTensor changed = reply;
        change(changed);
        return refusal([&] { (void)inference_.client.decrypt(changed); });
    };
    EXPECT_EQ(decrypt([](EncryptedTensor&) {}), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.residues.clear(); }), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.residues[0].pop_back(); }), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.layout.stride += 1; }), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.layout.batch += 100000; }), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.residues[0][0].t = PlainModulus(3); }), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.residues[0][0].parts.pop_back(); }), "");
    EXPECT_NE(decrypt([](EncryptedTensor& r) { r.residues[0][0].ring = {}; }), "");
}

}  // namespace
}  // namespace lacuna::testing
