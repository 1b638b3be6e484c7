// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/ring_parameters.h>

#include <string>

#include <gtest/gtest.h>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/ntt/error.h>

namespace lacuna::testing {
namespace {

std::string refusal(const RingParameters& parameters) {
    try {
        (void)resolve_ring(parameters);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TEST(RingParameters, NamePrimesAsParametersDo) {
    const Parameters parameters{
        .n = 4096, .data_bits = {35, 35}, .special_bits = {35}, .plain_bits = {17}, .security = 128};
    const Parameters resolved = resolve(parameters);
    const RingParameters ring = resolve_ring(parameters);
    EXPECT_EQ(ring, static_cast<RingParameters>(resolved));
    EXPECT_EQ(Ring(parameters).hash(), Ring(resolved).hash());
    EXPECT_EQ(resolve_ring(ring), ring);
}

/// A ring asks for no room for a message: that is the scheme's to say.
TEST(RingParameters, AskNoNoise) {
    const RingParameters small{
        .n = 64, .data_bits = {50, 50}, .special_bits = {10}, .digit_limbs = 2, .allow_insecure = true};
    EXPECT_EQ(refusal(small), "");
    Parameters with_plain{.n = 64,
                          .data_bits = {50, 50},
                          .special_bits = {10},
                          .digit_limbs = 2,
                          .plain_moduli = {257},
                          .allow_insecure = true};
    EXPECT_THROW((void)resolve(with_plain), Error);
}

TEST(RingParameters, ListEveryProblemAtOnce) {
    const std::string message =
        refusal({.n = 4096, .data_bits = {50, 50, 50}, .digit_limbs = 0, .security = 128});
    EXPECT_NE(message.find("parameters: these do not fit together:"), std::string::npos) << message;
    EXPECT_NE(message.find("digit_limbs: expected 1 ... 48, found 0"), std::string::npos) << message;
    EXPECT_NE(message.find("security: log2(QP) = 150"), std::string::npos) << message;
    EXPECT_NE(refusal({.n = 100}).find("n: expected a power of two"), std::string::npos);
    EXPECT_NE(refusal({.n = 4096}).find("there are no ciphertext primes"), std::string::npos);
}

}  // namespace
}  // namespace lacuna::testing
