// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/plan_reasons.h>

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

bool any_mentions(const std::vector<std::string>& reasons, const std::string& part) {
    return std::ranges::any_of(
        reasons, [&](const std::string& reason) { return reason.find(part) != std::string::npos; });
}

TEST(PlanReasons, AreThePlansOwnNumbers) {
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        const Plan plan = make_plan(small_network(), request_of(packing));
        const std::vector<std::string> reasons = explain(plan, 1);
        EXPECT_EQ(reasons, plan.reasons);
        EXPECT_TRUE(any_mentions(reasons, "n = " + std::to_string(plan.client.parameters.n)));
        EXPECT_TRUE(any_mentions(reasons, "circuit privacy: off"));
        EXPECT_TRUE(any_mentions(reasons, "so 1 modulus does"));
        EXPECT_EQ(any_mentions(reasons, "coefficient of a logit"), packing == Packing::radix);
    }
}

TEST(PlanReasons, SayWhatAChangeOfThePlanChanges) {
    Plan plan = make_plan(small_network(), request_of(Packing::slots, 40));
    EXPECT_TRUE(any_mentions(explain(plan, 1), "flooded to within 2^-40"));
    plan.client.privacy_bits = 0;
    EXPECT_TRUE(any_mentions(explain(plan, 1), "circuit privacy: off"));
    plan.client.parameters.plain_moduli = {12289, 40961};
    EXPECT_TRUE(any_mentions(explain(plan, 1), "so 2 moduli joined by CRT do"));
    plan.output_budget_bits = 12.34;
    plan.reply_budget_bits = 5.67;
    EXPECT_TRUE(
        any_mentions(explain(plan, 1), "proven to leave 12.3 bits at the output and 5.7 at the reply"));
    plan.range = 1023;
    EXPECT_TRUE(any_mentions(explain(plan, 1), "beyond 2^10.0"));
}

TEST(PlanReasons, PromiseNothingOfMoreImagesThanARequestHolds) {
    const Plan slots = make_plan(small_network(), request_of(Packing::slots));
    const std::size_t n = slots.client.parameters.n;
    EXPECT_TRUE(any_mentions(explain(slots, n), "a request of " + std::to_string(n) + " costs the same"));
    EXPECT_FALSE(any_mentions(explain(slots, n + 1), "costs the same"));
    EXPECT_TRUE(any_mentions(explain(slots, n + 1), std::to_string(n + 1) + " are 2 requests"));
    const Plan radix = make_plan(small_network(), request_of(Packing::radix));
    EXPECT_TRUE(any_mentions(explain(radix, 3), "so that 3 are as many requests"));
    const Plan packed = make_plan(small_network(), request_of(Packing::packed));
    EXPECT_TRUE(any_mentions(explain(packed, 2000), "2000 images are 2 requests of up to 1024"));
    EXPECT_TRUE(any_mentions(explain(packed, 2), "2 images are 2 inferences"));
}

}  // namespace
}  // namespace lacuna::testing
