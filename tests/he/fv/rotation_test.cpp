// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/rotation.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/rlwe/keys.h>
#include <lacuna/ntt/error.h>

namespace lacuna::testing {
namespace {

TEST(RotationElements, OfIntegersTurnTheTwoRows) {
    for (const int step : {-7, -1, 0, 3, 7}) {
        EXPECT_EQ(rotation_element(16, PlainModulus(97), step), rotation_element(16, step));
    }
    const std::vector<int> steps = {1, -2};
    EXPECT_EQ(rotation_elements(16, PlainModulus(97), steps),
              (std::vector<std::uint32_t>{rotation_element(16, 1), rotation_element(16, -2)}));
}

/// Modulo x^k - b they form the group of order k that fixes x^k.
TEST(RotationElements, OfBinomialsFixTheModulus) {
    const std::size_t n = 64;
    for (const std::size_t k : {2, 8, 32}) {
        const PlainModulus t = PlainModulus::binomial(k, 3);
        std::set<std::uint32_t> seen;
        const int slots = static_cast<int>(k);
        for (int step = 0; step < slots; ++step) {
            const std::uint32_t element = rotation_element(n, t, step);
            EXPECT_TRUE(seen.insert(element).second);
            EXPECT_EQ(k * element % (2 * n), k);  // x^k goes to itself
            if (step > 0) {
                EXPECT_EQ(rotation_element(n, t, step - slots), element);
            }
        }
        EXPECT_THROW((void)rotation_element(n, t, slots), Error);
    }
}

}  // namespace
}  // namespace lacuna::testing
