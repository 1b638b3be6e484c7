// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/parameter_search.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/packing/rules.h>
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

std::optional<Candidate> found(const Model& model, PlanRequest request, Packing packing) {
    const ExpandedModel expanded(model);
    const PackingBounds bounds =
        std::visit([&](const auto& rules) { return rules.bounds(expanded); }, rules_of(packing, 0));
    return best_candidate(expanded, request, packing, bounds);
}

double log_qp(const Parameters& parameters) {
    double sum = 0;
    for (const auto& primes : {parameters.data_primes, parameters.special_primes}) {
        for (const std::uint64_t prime : primes) {
            sum += std::log2(static_cast<double>(prime));
        }
    }
    return sum;
}

TEST(ParameterSearch, FindsWhatDecryptsWithinTheSecurityTable) {
    for (const Packing packing : all_packings) {
        for (const int security : packing == Packing::slots ? std::vector{128, 192} : std::vector{128}) {
            PlanRequest request;
            request.security = security;
            request.plain_moduli = 1;
            const std::optional<Candidate> best = found(small_network(), request, packing);
            ASSERT_TRUE(best);
            EXPECT_EQ(best->packing, packing);
            EXPECT_GT(best->circuit.output_budget_bits, 0);
            EXPECT_GT(best->circuit.reply_budget_bits, 0);
            EXPECT_LE(log_qp(best->parameters), max_log_qp(best->parameters.n, security));
            EXPECT_EQ(resolve(best->parameters), best->parameters);
            EXPECT_GT(best->request_cost, 0);
        }
    }
}

/// What is proven of a candidate is what make_plan takes over: nothing is found that it would not take.
TEST(ParameterSearch, AsksForNothingInVain) {
    PlanRequest plain;
    plain.plain_moduli = 1;
    const std::optional<Candidate> best = found(small_network(), plain, Packing::slots);
    PlanRequest harder = plain;
    harder.privacy_bits = 40;
    const std::optional<Candidate> flooded = found(small_network(), harder, Packing::slots);
    PlanRequest secure = plain;
    secure.security = 256;
    const std::optional<Candidate> stronger = found(small_network(), secure, Packing::slots);
    ASSERT_TRUE(best && flooded && stronger);
    EXPECT_LE(best->request_cost, flooded->request_cost);
    EXPECT_LE(best->request_cost, stronger->request_cost);
    PlanRequest two = plain;
    two.plain_moduli = 2;
    const std::optional<Candidate> some = found(small_network(), two, Packing::slots);
    ASSERT_TRUE(some);
    EXPECT_EQ(some->parameters.plain_moduli.size(), 2U);
    EXPECT_LE(best->request_cost, some->request_cost * 1.001);
}

TEST(ParameterSearch, DropsBitsOfRepliesOfOneLimbAlone) {
    const std::optional<Candidate> best = found(small_network(), {}, Packing::slots);
    ASSERT_TRUE(best);
    Candidate candidate = *best;
    EXPECT_EQ(candidate.circuit.reply_limbs, 1U);
    const auto dropped = candidate.droppable_bits();
    EXPECT_GT(dropped[0], dropped[1]);  // c_1 meets s
    EXPECT_GE(dropped[1], 0);
    candidate.circuit.reply_limbs = 2;
    EXPECT_EQ(candidate.droppable_bits(), (std::array<int, 2>{0, 0}));
}

}  // namespace
}  // namespace lacuna::testing
