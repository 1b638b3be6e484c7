// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <lacuna/he/fv/flooding.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/session.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/ring_operations.h>
#include "tests/support/inference.h"

namespace lacuna::testing {
namespace {

PlanRequest request_of(Packing packing, int privacy_bits = 0) {
    PlanRequest request;
    request.packing = packing;
    request.privacy_bits = privacy_bits;
    return request;
}

/// The message of the Error that a call throws, or nothing.
template <typename Call>
std::string refusal(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

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

// ---- one small network, quick enough for the sanitizers

Model small_network() {
    return SmallModel(1).one_activation(2, 2, 2, 3);
}

/// Keys are made once for each packing; an Inference is immutable.
const Inference& small_inference(Packing packing) {
    static const Inference slots(small_network(), request_of(Packing::slots));
    static const Inference radix(small_network(), request_of(Packing::radix));
    return packing == Packing::slots ? slots : radix;
}

class SmallNetwork : public ::testing::TestWithParam<Packing> {
  protected:
    const Inference& inference_ = small_inference(GetParam());
    SmallModel random_{77};
    const Model model_ = small_network();
};

INSTANTIATE_TEST_SUITE_P(Packings, SmallNetwork, ::testing::Values(Packing::slots, Packing::radix),
                         [](const auto& info) { return std::string(packing_name(info.param)); });

TEST_P(SmallNetwork, EqualsTheReference) {
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

/// Unscaled squares multiply every value by a factor: biases and constants have to be multiplied by it too,
/// the next square squares it, and the client divides it out modulo every plaintext modulus.
TEST(UnscaledSquares, CarryTheirFactorToTheEnd) {
    for (const std::size_t moduli : {1, 2}) {
        SmallModel random(moduli);
        Model model = random.empty({1, 6, 5}, 2);
        model.layers.push_back(
            {"conv", Convolution{{3, 3}, {2, 2}, {1, 0}, random.weights(2, 9, 2), random.integers(2, 9)}});
        model.layers.push_back({"act1", Activation{{3, 0, 1}}});
        random.add_dense(model, 4, 2, 50);
        model.layers.push_back({"act2", Activation{{-2, 0, 3}}});
        random.add_dense(model, 3, 2, 1000);
        PlanRequest request = request_of(Packing::slots);
        request.plain_moduli = moduli;
        const Inference inference(model, request);
        ASSERT_EQ(inference.plan.moduli(), moduli);
        EXPECT_EQ(std::count_if(inference.plan.steps.begin(), inference.plan.steps.end(),
                                [](const PlanStep& step) { return step.unscaled; }),
                  1);
        for (const std::uint64_t factor : inference.plan.client.reply_factors) {
            EXPECT_NE(factor, 1U);
        }
        NoiseWatch watch(inference.client, 6);
        inference.expect_exact(random.images(model, 9), std::ref(watch));
    }
}

/// Two equal sums with different biases: their squares' noise cancels in the difference, but for what the
/// rounding of the bias adds.
TEST(UnscaledSquares, CancelUpToTheirBiases) {
    SmallModel random(3);
    Model model = random.empty({1, 1, 1}, 3);
    model.layers.push_back({"twice", Dense{{1, {{{0, 1}}, {{0, 1}}}}, {1, 0}}});
    model.layers.push_back({"square", Activation{{0, 0, 1}}});
    constexpr std::int64_t large = std::int64_t{1} << 20;
    model.layers.push_back({"difference", Dense{{2, {{{0, large}, {1, -large}}}}, {0}}});
    const Inference inference(model, request_of(Packing::slots));
    EXPECT_TRUE(inference.plan.steps[1].unscaled);
    NoiseWatch watch(inference.client, 6);
    inference.expect_exact(random.images(model, 16), std::ref(watch));
}

TEST_P(SmallNetwork, DoesNotDependOnThreads) {
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

TEST_P(SmallNetwork, DoesNotDependOnTheThreadsOfKeysAndClient) {
    const Client client(inference_.plan.client);
    const Session session(model_, inference_.plan, client.evaluation_keys(3));
    RunControl control;
    control.threads = 3;
    const auto image = random_.images(model_, 1);
    EXPECT_EQ(client.decrypt(session.infer(client.encrypt(image, control)), control),
              inference_.reference.batch_logits(image, 1));
}

TEST_P(SmallNetwork, SecretKeyOutlivesItsClient) {
    const auto image = random_.images(model_, 1);
    const SeededTensor request = inference_.client.encrypt(image);
    const Client again(inference_.plan.client, inference_.client.secret_key());
    EXPECT_EQ(again.decrypt(inference_.session.infer(request)), inference_.reference.batch_logits(image, 1));
}

TEST_P(SmallNetwork, ServesSeveralCallersAtOnce) {
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

TEST_P(SmallNetwork, SessionsShareAContextAndMayMove) {
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

TEST_P(SmallNetwork, ReportsProgressThatOnlyRises) {
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

TEST_P(SmallNetwork, StopsWhereverItIsAskedTo) {
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

TEST_P(SmallNetwork, PassesOnWhatAnObserverOrCallbackThrows) {
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

TEST_P(SmallNetwork, RefusesImagesOfAnotherSize) {
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

TEST_P(SmallNetwork, RefusesKeysOfOtherParameters) {
    Plan other = inference_.plan;
    other.client.parameters.data_primes.clear();
    other.client.parameters.special_primes.clear();
    other.client.parameters.data_bits = {36, 35};
    other.client.parameters.special_bits = {30};
    other.client.parameters = resolve(other.client.parameters);
    const Client stranger(other.client);
    EXPECT_NE(refusal([&] {
                  (void)Session(model_, inference_.plan, stranger.evaluation_keys());
              }).find("keys belong to other parameters"),
              std::string::npos);
    EXPECT_NE(refusal([&] {
                  (void)Client(inference_.plan.client, stranger.secret_key());
              }).find("belongs to other parameters"),
              std::string::npos);
    EXPECT_NE(refusal([&] {
                  (void)inference_.session.infer(stranger.encrypt(random_.images(model_, 1)));
              }).find("belongs to other parameters"),
              std::string::npos);

    EvaluationKeys keys = inference_.client.evaluation_keys();
    EXPECT_TRUE(keys.relin_keys.has_value());
    keys.relin_keys.reset();
    EXPECT_NE(refusal([&] {
                  (void)Session(model_, inference_.plan, std::move(keys));
              }).find("needs relinearisation keys"),
              std::string::npos);
}

/// The context is the caller's, so it may be another's: with other primes the logits would be wrong without a
/// word, with more plaintext moduli there would be no ciphertexts for them.
TEST_P(SmallNetwork, RefusesAnotherContext) {
    const Parameters& planned = inference_.plan.client.parameters;
    const auto session_of = [&](const Parameters& parameters) {
        const Context context(parameters);
        EvaluationKeys keys;
        keys.ring = context.ring().hash();
        keys.relin_keys = KeyGenerator(context).relin_keys();
        return refusal([&] { (void)Session(model_, inference_.plan, context, std::move(keys)); });
    };
    EXPECT_EQ(session_of(planned), "");
    const auto changed = [&](const auto& change) {
        Parameters other = planned;
        other.allow_insecure = true;
        change(other);
        return session_of(other);
    };
    const auto refused_for = [](const std::string& message, const std::string& what) {
        EXPECT_NE(message.find("the context is not the plan's: expected " + what), std::string::npos)
            << message;
    };
    std::vector<std::uint64_t> taken = planned.data_primes;
    taken.insert(taken.end(), planned.special_primes.begin(), planned.special_primes.end());
    const std::uint64_t other_prime = ntt_primes(planned.n, 50, 1, taken).front();
    refused_for(changed([&](Parameters& p) { p.data_primes.back() = other_prime; }), "data primes");
    refused_for(changed([&](Parameters& p) { p.data_primes.push_back(other_prime); }), "data primes");
    if (planned.data_primes.size() > 1) {
        refused_for(changed([](Parameters& p) { std::reverse(p.data_primes.begin(), p.data_primes.end()); }),
                    "data primes");
    }
    refused_for(changed([&](Parameters& p) { p.special_primes[0] = other_prime; }), "special primes");
    refused_for(changed([](Parameters& p) {
                    ++p.digit_limbs;
                    p.special_primes.clear();
                    p.special_bits = {50, 50, 50};
                }),
                "digit_limbs");
    refused_for(changed([](Parameters& p) { p.plain_moduli.push_back(17); }), "plaintext moduli");
    refused_for(changed([](Parameters& p) { p.plain_moduli.insert(p.plain_moduli.begin(), 17); }),
                "plaintext moduli");
    refused_for(changed([](Parameters& p) { p.plain_moduli.back() = 17; }), "plaintext moduli");
    refused_for(changed([](Parameters& p) {
                    p.n *= 2;
                    p.data_primes.clear();
                    p.special_primes.clear();
                    p.data_bits = {50, 50};
                    p.special_bits = {50};
                }),
                "n {");
    EXPECT_NE(refusal([&] {
                  (void)Session(nullptr,
                                std::make_shared<const EvaluationKeys>(inference_.client.evaluation_keys()));
              }).find("expected a compiled model and evaluation keys, found none"),
              std::string::npos);
}

/// Keys whose label says this ring and whose parts are another's, or are not whole.
TEST_P(SmallNetwork, RefusesKeysOfOtherShapes) {
    const auto session_with = [&](const auto& change) {
        EvaluationKeys keys = inference_.client.evaluation_keys();
        change(keys);
        return refusal([&] { (void)Session(model_, inference_.plan, std::move(keys)); });
    };
    EXPECT_EQ(session_with([](EvaluationKeys&) {}), "");
    EXPECT_NE(session_with([](EvaluationKeys& keys) { keys.relin_keys->ring = {}; }).find("other parameters"),
              std::string::npos);
    EXPECT_NE(session_with([](EvaluationKeys& keys) {
                  keys.relin_keys->key.digits.pop_back();
              }).find("digits, found"),
              std::string::npos);
    for (const auto part : {&KeySwitchKey::Digit::a, &KeySwitchKey::Digit::b}) {
        const std::string message = session_with([&](EvaluationKeys& keys) {
            RnsPolynomial& polynomial = keys.relin_keys->key.digits.back().*part;
            polynomial.keep_limbs(polynomial.limbs() - 1);
        });
        EXPECT_NE(message.find("expected keys of"), std::string::npos) << message;
    }
}

/// Noise that occurs twice outgrows what the plan proves of independent noises.
TEST_P(SmallNetwork, RefusesRepeatedRandomness) {
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

TEST_P(SmallNetwork, RefusesAnotherModel) {
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

TEST_P(SmallNetwork, RefusesOtherLayouts) {
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

TEST_P(SmallNetwork, AnotherKeyReadsNothing) {
    const auto image = random_.images(model_, 1);
    const Client stranger(inference_.plan.client);
    const EncryptedTensor reply = inference_.session.infer(inference_.client.encrypt(image));
    EXPECT_NE(stranger.decrypt(reply), inference_.reference.batch_logits(image, 1));
    EXPECT_LT(stranger.noise_budget(reply), 0.1);
}

TEST_P(SmallNetwork, NeverRepeatsASeedOrAnError) {
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

// ---- random networks in both packings

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

class RandomNetwork : public ::testing::TestWithParam<std::tuple<std::size_t, Packing>> {};

INSTANTIATE_TEST_SUITE_P(Cases, RandomNetwork,
                         ::testing::Combine(::testing::Range<std::size_t>(0, 11),
                                            ::testing::Values(Packing::slots, Packing::radix)),
                         [](const auto& info) {
                             return std::string(random_cases()[std::get<0>(info.param)].name) + "_" +
                                    packing_name(std::get<1>(info.param));
                         });

TEST_P(RandomNetwork, EqualsTheReferenceWithTheProvenNoise) {
    const auto [index, packing] = GetParam();
    const Case test = random_cases()[index];
    if (test.privacy_bits > 0 && packing == Packing::radix) {
        EXPECT_THROW((void)make_plan(test.model, request_of(packing, test.privacy_bits)), Error);
        return;
    }
    const Inference inference(test.model, request_of(packing, test.privacy_bits));
    if (packing == Packing::slots) {
        EXPECT_GE(inference.plan.moduli(), test.least_moduli);
    }
    SmallModel random(100 + index);
    const std::size_t images = packing == Packing::slots ? 37 : 1;
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

TEST(RandomNetworks, AllCasesRun) {
    EXPECT_EQ(random_cases().size(), 11U);
}

// ---- circuit privacy

/// Two models with the same shape; the second one's weights are far larger. The reply's noise must look like
/// the flood in both, whatever the model did.
/// Activations whose coefficients weigh the rounding of a product that drops a prime on the way.
TEST(WeightedActivations, StayWithinTheProof) {
    for (const auto& [linear, square] : {std::pair{0L, 64L}, {65536L, 1L}, {4096L, 64L}, {-3L, -2L}}) {
        SmallModel random(3);
        Model model = random.empty({8, 1, 1}, 1);
        const auto dense = [&](const char* name, std::uint32_t outputs, std::uint32_t inputs) {
            WeightMatrix weights{inputs, {}};
            for (std::uint32_t i = 0; i < outputs; ++i) {
                auto& row = weights.rows.emplace_back();
                for (std::uint32_t j = 0; j < inputs; ++j) {
                    row.push_back({j, 1 + (i * 7 + j * 3) % 3});
                }
            }
            model.layers.push_back({name, Dense{weights, std::vector<mpz_class>(outputs, 1)}});
        };
        dense("first", 8, 8);
        model.layers.push_back({"weighted", Activation{{1, linear, square}}});
        dense("second", 4, 8);
        model.layers.push_back({"square", Activation{{0, 0, 1}}});
        dense("last", 2, 4);
        const Inference inference(model, request_of(Packing::slots));
        NoiseWatch watch(inference.client, 4);
        inference.expect_exact(random.images(model, 16), std::ref(watch));
    }
}

/// Sums of squares of sums that share their few inputs: distinct ones, whose noise the planner takes as
/// uncorrelated, and identical ones, whose noise it must not. The watch compares every step with the proof.
TEST(CorrelatedNoise, StaysWithinTheProof) {
    for (const bool identical : {false, true}) {
        for (const Packing packing : {Packing::slots, Packing::radix}) {
            SmallModel random(5);
            Model model = random.empty({6, 1, 1}, 1);
            WeightMatrix first{6, {}};
            WeightMatrix last{64, {{}, {}}};
            for (std::uint32_t i = 0; i < 64; ++i) {
                const std::int64_t k = identical ? 3 : i;
                first.rows.push_back({{0, 1 + k % 4}, {1, 1 + k / 4 % 4}, {2, 1}, {5, 1 + k / 16}});
                last.rows[0].push_back({i, 1});
                last.rows[1].push_back({i, i % 2 == 0 ? 2 : -1});
            }
            model.layers.push_back({"first", Dense{first, std::vector<mpz_class>(64)}});
            model.layers.push_back({"square", Activation{{0, 0, 1}}});
            model.layers.push_back({"last", Dense{last, {0, 1}}});
            const Inference inference(model, request_of(packing));
            NoiseWatch watch(inference.client, 4);
            inference.expect_exact(random.images(model, 1), std::ref(watch));
        }
    }
}

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
        // The statistical distance: the bound before it over the width of the flood, times all that is sent.
        const double log_distance =
            hidden - (flood_step->flood_bits + 1) +
            std::log2(n * static_cast<double>(model.classes() * inference.plan.moduli()));
        EXPECT_LE(log_distance, -41.0);
        EXPECT_GT(log_distance, -54.0);

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
            std::vector<int> eighths(8);
            for (const double e : noise) {
                sum += e / bound;
                squares += e / bound * (e / bound);
                largest = std::max(largest, std::abs(e) / bound);
                ++eighths[static_cast<std::size_t>(std::clamp((e / bound + 1) * 4, 0.0, 7.0))];
            }
            // Uniform on [-1, 1): mean 0, variance 1/3; eight deviations of each of these estimates.
            EXPECT_NEAR(sum / n, 0, 8 * std::sqrt(1 / (3 * n)));
            EXPECT_NEAR(squares / n, 1.0 / 3, 8 * std::sqrt(4.0 / 45 / n));
            EXPECT_LE(largest, 1.0 + 1e-9);
            EXPECT_GT(largest, 0.98);
            for (const int count : eighths) {
                EXPECT_NEAR(count, n / 8, 8 * std::sqrt(n * 7 / 64));
            }
        }
        for (const std::vector<double>& noise : before) {
            for (const double e : noise) {
                EXPECT_LE(std::abs(e), std::exp2(hidden));
            }
        }
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
        EXPECT_GT(lowest, -1.25) << bits;  // at 12 bits the encryptions of zero still show
        EXPECT_LT(lowest, -0.95) << bits;
        EXPECT_LT(highest, 1.25) << bits;
        EXPECT_GT(highest, 0.95) << bits;
        if (bits > 30) {
            EXPECT_GE(lowest, -1 - 1e-6) << bits;
            EXPECT_LE(highest, 1 + 1e-6) << bits;
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
