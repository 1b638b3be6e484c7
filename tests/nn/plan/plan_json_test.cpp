// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/plan.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include <gtest/gtest.h>
#include "tests/support/places.h"

namespace lacuna {
namespace {

using nlohmann::json;

TEST(PlanFile, NamesEveryStepAndCount) {
    const Model model = load_model(test::source_folder() / "nn/models/faster-cryptonets.lacuna.json");
    const Plan plan = make_plan(model, {1, Packing::slots, 128, 0, false, 1});
    const json document = json::parse(format_plan(plan));
    EXPECT_EQ(document["steps"].size(), plan.steps.size());
    EXPECT_EQ(document["hops"]["total"], plan.operations.total().total());
    EXPECT_EQ(document["client"], json::parse(format_client_plan(plan.client)));
    EXPECT_EQ(document["reasons"].size(), plan.reasons.size());
}

}  // namespace
}  // namespace lacuna
