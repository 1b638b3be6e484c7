// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/radix.h>

#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/context.h>
#include "tests/support/scheme.h"

namespace lacuna {
namespace {

TEST(RadixPacking, HoldsTheDigitsOfOneImage) {
    const Context context(testing::small_parameters(1024, {30}, {}, {17}));
    const RadixPacking::Encoder encoder(context, 0);
    const std::vector<std::int64_t> levels = {13};
    const std::vector<std::int64_t> words = encoder.decode(encoder.encode(levels));
    ASSERT_EQ(words.size(), 1024U);
    EXPECT_EQ(words[0] + words[2] + words[3], 3);
    const auto word = [&](std::size_t i) { return mpz_class(static_cast<long>(words[i])); };
    EXPECT_EQ(RadixPacking::logit(word, 0, 0, 4), 13);
    EXPECT_EQ(RadixPacking::logit(word, 2, 0, 2), 3);
    EXPECT_EQ(RadixPacking::most_images(1024), 1U);
    EXPECT_TRUE(RadixPacking::takes(3, 1024));
    EXPECT_FALSE(RadixPacking::takes(2, 1024));
}

}  // namespace
}  // namespace lacuna
