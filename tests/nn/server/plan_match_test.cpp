// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/plan_match.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/primes.h>
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

class PlanMatchTest : public SmallNetwork {};

INSTANTIATE_TEST_SUITE_P(Packings, PlanMatchTest, ::testing::Values(Packing::slots, Packing::radix),
                         packing_param_name);

TEST_P(PlanMatchTest, RefusesKeysOfOtherParameters) {
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
TEST_P(PlanMatchTest, RefusesAnotherContext) {
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
TEST_P(PlanMatchTest, RefusesKeysOfOtherShapes) {
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
              }).find("expected key-switching keys of"),
              std::string::npos);
    for (const auto part : {&KeySwitchKey::Digit::a, &KeySwitchKey::Digit::b}) {
        const std::string message = session_with([&](EvaluationKeys& keys) {
            RnsPolynomial& polynomial = keys.relin_keys->key.digits.back().*part;
            polynomial.keep_limbs(polynomial.limbs() - 1);
        });
        EXPECT_NE(message.find("session: expected key"), std::string::npos) << message;
    }
}

}  // namespace
}  // namespace lacuna::testing
