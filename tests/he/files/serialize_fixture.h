// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include <gtest/gtest.h>

#include "tests/support/parameter_names.h"
#include "tests/support/scheme.h"
#include "tests/support/serialization.h"

namespace lacuna::testing {

/// Every object of a scheme, saved and loaded, over rings of several shapes.
class SerializeTest : public ::testing::TestWithParam<Parameters> {
  protected:
    std::mt19937_64 random{11};
    Scheme scheme{GetParam()};
    const Context& context = scheme.context;
    const Ring& ring = scheme.context.ring();
    Plaintext message = random_plaintext(ring.n(), context.plain().modulus().value(), random);
};

inline auto serialize_settings() {
    return ::testing::Values(small_parameters(16, {50, 50, 50}, {50}, {65537}),
                             small_parameters(64, {45, 44, 46, 45}, {47, 48}, {1 << 20, 7681}, 2),
                             small_parameters(128, {50, 50, 50, 32}, {50}, {12289}),
                             small_parameters(32, {30, 30, 30, 30, 30}, {50, 45}, {257}, 3),
                             small_parameters(64, {50, 40}, {}, {2}));
}

}  // namespace lacuna::testing
