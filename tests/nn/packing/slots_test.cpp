// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/slots.h>

#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/context.h>
#include "tests/support/scheme.h"

namespace lacuna {
namespace {

TEST(SlotsPacking, HoldsAnImageEach) {
    const Context context(testing::small_parameters(1024, {30}, {}, {12289}));
    const SlotsPacking::Encoder encoder(context, 0);
    const std::vector<std::int64_t> levels = {3, 0, 7, 1};
    const std::vector<std::int64_t> words = encoder.decode(encoder.encode(levels));
    ASSERT_EQ(words.size(), 1024U);
    const auto word = [&](std::size_t i) { return mpz_class(static_cast<long>(words[i])); };
    for (std::size_t image = 0; image < levels.size(); ++image) {
        EXPECT_EQ(SlotsPacking::logit(word, 0, image, 0), levels[image]);
    }
    EXPECT_EQ(SlotsPacking::most_images(1024), 1024U);
    EXPECT_TRUE(SlotsPacking::takes(12289, 1024));
    EXPECT_FALSE(SlotsPacking::takes(12289, 8192));
    EXPECT_FALSE(SlotsPacking::takes(4097, 1024));  // = 17 x 241
}

}  // namespace
}  // namespace lacuna
