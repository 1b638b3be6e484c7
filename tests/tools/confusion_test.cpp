// SPDX-License-Identifier: Apache-2.0
#include "tools/confusion.h"

#include <gtest/gtest.h>

namespace lacuna {
namespace {

TEST(Confusion, CountsClassesAndPairs) {
    Confusion confusion(3);
    for (const auto& [label, answer] : {std::pair{0, 0}, {0, 0}, {0, 2}, {1, 2}, {1, 2}, {2, 2}}) {
        confusion.add(static_cast<std::size_t>(label), static_cast<std::size_t>(answer));
    }
    EXPECT_EQ(confusion.total(), 6U);
    EXPECT_EQ(confusion.correct(), 3U);
    EXPECT_EQ(confusion.rows(0), 3U);
    EXPECT_EQ(confusion.right(0), 2U);
    EXPECT_EQ(confusion.right(1), 0U);
    EXPECT_EQ(confusion.answers(2), 4U);
    EXPECT_EQ(confusion.pair(1, 2), 2U);
    EXPECT_EQ(confusion.pair(2, 1), 0U);
    const auto mistakes = confusion.mistakes(5);
    ASSERT_EQ(mistakes.size(), 2U);
    EXPECT_EQ(mistakes[0].label, 1U);
    EXPECT_EQ(mistakes[0].rows, 2U);
    EXPECT_EQ(mistakes[1].label, 0U);
    EXPECT_EQ(confusion.mistakes(1).size(), 1U);
}

TEST(Confusion, ManyClassesTakeNoSquareOfMemory) {
    Confusion confusion(1 << 20);
    confusion.add(5, 1'000'000);
    EXPECT_FALSE(confusion.has_pairs());
    EXPECT_EQ(confusion.rows(5), 1U);
    EXPECT_EQ(confusion.answers(1'000'000), 1U);
    EXPECT_TRUE(confusion.mistakes(3).empty());
}

}  // namespace
}  // namespace lacuna
