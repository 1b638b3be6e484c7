// SPDX-License-Identifier: Apache-2.0
#include "tools/answers.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace lacuna {
namespace {

TEST(Answers, LogitsAreScaled) {
    EXPECT_EQ(scaled_logits({-4, 0, 6}, 0.5), (std::vector<double>{-2, 0, 3}));
}

TEST(Answers, SoftmaxOfAnySizeAddsUpToOne) {
    const std::vector<double> p = softmax({0, std::log(3.0)});
    EXPECT_DOUBLE_EQ(p[0], 0.25);
    EXPECT_DOUBLE_EQ(p[1], 0.75);
    const std::vector<double> large = softmax({1e6, 1e6 + 1, -1e6});  // exp() of these is no number
    EXPECT_DOUBLE_EQ(std::accumulate(large.begin(), large.end(), 0.0), 1);
    EXPECT_DOUBLE_EQ(large[1] / large[0], std::exp(1.0));
    EXPECT_EQ(large[2], 0);
}

TEST(Answers, JsonHasWhatIsAskedFor) {
    ClientPlan plan;
    plan.classes = 2;
    plan.output_scale = 0.25;
    const Logits logits = {{8, 4}};
    const auto plain = answers_json(plan, logits);
    EXPECT_EQ(plain[0]["class"], 0);
    EXPECT_EQ(plain[0]["margin"], 4);
    EXPECT_EQ(plain[0]["scaled"], (std::vector<double>{2, 1}));
    EXPECT_FALSE(plain[0].contains("probabilities"));
    EXPECT_NEAR(answers_json(plan, logits, Probabilities::show)[0]["probabilities"][0].get<double>(),
                1 / (1 + std::exp(-1.0)), 1e-15);
}

}  // namespace
}  // namespace lacuna
