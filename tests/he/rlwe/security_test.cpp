// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/security.h>

#include <array>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/parameters.h>
#include "tests/support/messages.h"

namespace lacuna::testing {
namespace {

/// The 2018 standard and Bossuat et al. 2024, table 5.2, ternary secret, classical attacks.
TEST(Security, TablesAreThePublishedOnes) {
    struct Row {
        std::size_t n;
        std::array<int, 3> standard;
        std::array<int, 3> guidelines;
    };
    const std::vector<Row> rows = {
        {1024, {27, 19, 14}, {26, 0, 0}},          {2048, {54, 37, 29}, {53, 36, 27}},
        {4096, {109, 75, 58}, {106, 73, 56}},      {8192, {218, 152, 118}, {214, 147, 114}},
        {16384, {438, 305, 237}, {430, 297, 230}}, {32768, {881, 611, 476}, {868, 597, 462}},
    };
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < 3; ++i) {
            const int security = 128 + 64 * static_cast<int>(i);
            EXPECT_EQ(max_log_qp(row.n, security), row.guidelines[i]) << row.n << ", " << security;
            EXPECT_EQ(max_log_qp(row.n, security, SecurityTable::guidelines_2024), row.guidelines[i]);
            EXPECT_EQ(max_log_qp(row.n, security, SecurityTable::standard_2018), row.standard[i]);
        }
        EXPECT_EQ(max_log_qp(row.n, 100), 0);
    }
    EXPECT_EQ(max_log_qp(512, 128), 0);
    EXPECT_EQ(max_log_qp(3000, 128), 0);
    EXPECT_EQ(max_log_qp(8192, 129), 0);
}

TEST(Security, DecidesToTheBit) {
    for (const auto& [security, data, special, fits] :
         {std::tuple<int, std::vector<int>, std::vector<int>, bool>{128, {50, 50, 50}, {50}, true},
          {128, {50, 50, 50, 14 + 17}, {32}, true},  // 213
          {128, {50, 50, 50, 32}, {32}, true},       // 214
          {128, {50, 50, 50, 33}, {32}, false},
          {192, {50, 50}, {47}, true},
          {192, {50, 50}, {48}, false},
          {256, {40, 37}, {37}, true},
          {256, {40, 38}, {37}, false}}) {
        Parameters parameters;
        parameters.n = 8192;
        parameters.data_bits = data;
        parameters.special_bits = special;
        parameters.security = security;
        const std::string problems = message_of([&] { (void)resolve(parameters); });
        EXPECT_EQ(problems.empty(), fits) << problems;
        parameters.allow_insecure = true;
        EXPECT_EQ(message_of([&] { (void)resolve(parameters); }), "");
    }
}

}  // namespace
}  // namespace lacuna::testing
