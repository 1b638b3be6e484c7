// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/coefficient_encoder.h>

#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

TEST(CoefficientEncoder, RoundTripsForEvenAndOddT) {
    for (const std::uint64_t t : {std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{256}, std::uint64_t{257},
                                  (std::uint64_t{1} << 49) - 81, std::uint64_t{1} << 49}) {
        const Context context(small_parameters(16, {50, 50}, {}, {t}));
        const CoefficientEncoder encoder(context);
        const auto half = static_cast<std::int64_t>(t / 2);
        const auto lowest = t % 2 == 0 ? 1 - half : -half;  // (-t/2, t/2]
        const std::vector<std::int64_t> values = {0, half, lowest, 1, half, lowest};
        std::vector<std::int64_t> expected = values;
        expected.resize(16, 0);
        const Plaintext encoded = encoder.encode(values);
        EXPECT_EQ(encoder.decode(encoded), expected);
        EXPECT_EQ(encoded[1], t / 2);
        EXPECT_EQ(encoder.decode(encoder.encode(std::vector<std::int64_t>{half + 1}))[0],
                  half + 1 - static_cast<std::int64_t>(t));
        EXPECT_EQ(encoder.encode({}), Plaintext(16, t));
        EXPECT_THROW((void)encoder.encode(std::vector<std::int64_t>(17, 0)), Error);
        EXPECT_THROW((void)encoder.decode(Plaintext(32, t)), Error);
        EXPECT_THROW((void)encoder.decode(Plaintext(16, t + 1)), Error);
    }
    const Context context(small_parameters(16, {50}, {}, {257}));
    EXPECT_THROW(CoefficientEncoder(context, 1), Error);
}

}  // namespace
}  // namespace lacuna::testing
