// SPDX-License-Identifier: Apache-2.0
#include "tools/shipped_models.h"
#include "tests/support/places.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna {
namespace {

namespace fs = std::filesystem;

TEST(ShippedModels, AreTheFilesOfTheFolder) {
    std::vector<std::string> expected;
    for (const fs::directory_entry& entry : fs::directory_iterator(test::source_folder() / "nn/models")) {
        const std::string name = entry.path().filename().string();
        if (const std::size_t end = name.find(".lacuna.json"); end != std::string::npos) {
            expected.push_back(name.substr(0, end));
        }
    }
    std::sort(expected.begin(), expected.end());
    std::vector<std::string> found;
    for (const ShippedModel& model : shipped_model_files()) {
        found.emplace_back(model.name);
        std::ifstream file(test::source_folder() / "nn/models" / (found.back() + ".lacuna.json"));
        EXPECT_EQ(model.text, std::string(std::istreambuf_iterator<char>(file), {})) << model.name;
    }
    EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace lacuna
