// SPDX-License-Identifier: Apache-2.0
#include "tools/stage_times.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna {
namespace {

TEST(StageTimes, ListsStagesInTheOrderOfTheirFirstTime) {
    StageTimes times;
    times.enter("load");
    std::vector<std::string> heard;
    const auto follow = times.follow([&](const Progress& progress) { heard.emplace_back(progress.what); });
    for (const char* what : {"layer", "layer", "square", "layer", "done"}) {
        follow({what, 0, 1});
    }
    times.enter("load");
    times.pause();
    const auto list = times.json();
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list[0]["stage"], "load");
    EXPECT_EQ(list[1]["stage"], "layer");
    EXPECT_EQ(list[2]["stage"], "square");
    for (const auto& entry : list) {
        EXPECT_GE(entry["seconds"], 0);
    }
    EXPECT_EQ(heard, (std::vector<std::string>{"layer", "layer", "square", "layer", "done"}));
}

}  // namespace
}  // namespace lacuna
