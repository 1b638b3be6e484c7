// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/key_match.h>

#include <gtest/gtest.h>

#include <array>
#include <sstream>

#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include "tests/support/parameter_names.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

EvaluationKeys all_keys(const Scheme& scheme) {
    EvaluationKeys keys;
    keys.ring = scheme.context.ring().hash();
    keys.public_key = scheme.public_key;
    if (scheme.context.ring().special().size() != 0) {
        constexpr std::array steps = {1, -3};
        keys.relin_keys = scheme.generator.relin_keys();
        keys.galois_keys = scheme.generator.galois_keys(steps, true);
    }
    return keys;
}

/// As keys arrive: from bytes.
EvaluationKeys sent(const Ring& ring, const EvaluationKeys& keys) {
    std::stringstream stream;
    save(stream, ring, keys);
    Source source(stream, "stream");
    return load_evaluation_keys(source, ring);
}

class KeyMatchTest : public ::testing::TestWithParam<Parameters> {
  protected:
    Scheme mine{GetParam()};
    Scheme other{GetParam()};
    const Ring& ring = mine.context.ring();
    const SecretKey& secret = mine.generator.secret_key();
};

TEST_P(KeyMatchTest, KeysOfOneSecretMatchIt) {
    EXPECT_TRUE(matches(ring, secret, mine.public_key));
    EXPECT_TRUE(matches(ring, secret, mine.generator.public_key()));  // another of the same secret
    EXPECT_TRUE(matches(ring, secret, all_keys(mine)));
    EXPECT_TRUE(matches(ring, secret, sent(ring, all_keys(mine))));
    EvaluationKeys none;
    none.ring = ring.hash();
    EXPECT_TRUE(matches(ring, secret, none));
}

TEST_P(KeyMatchTest, AnyKeyOfAnotherSecretIsFound) {
    EXPECT_FALSE(matches(ring, secret, other.public_key));
    const EvaluationKeys foreign = sent(ring, all_keys(other));
    EXPECT_FALSE(matches(ring, secret, foreign));
    EvaluationKeys mixed = all_keys(mine);
    mixed.public_key = foreign.public_key;
    EXPECT_FALSE(matches(ring, secret, mixed));
    if (ring.special().size() == 0) {
        return;
    }
    mixed = all_keys(mine);
    mixed.relin_keys = foreign.relin_keys;
    EXPECT_FALSE(matches(ring, secret, mixed));
    for (const auto& [element, entry] : foreign.galois_keys.entries) {
        mixed = all_keys(mine);
        mixed.galois_keys.entries.at(element).key = entry.key;
        EXPECT_FALSE(matches(ring, secret, mixed)) << element;
    }
    // The right secret, but a key for something else: from s to s(x^(1/g)) under the name of another g, and
    // digits in another order.
    mixed = all_keys(mine);
    auto first = mixed.galois_keys.entries.begin();
    std::swap(first->second.key, std::next(first)->second.key);
    EXPECT_FALSE(matches(ring, secret, mixed));
    mixed = all_keys(mine);
    auto& digits = mixed.relin_keys->key.digits;
    if (digits.size() > 1) {
        std::swap(digits.front(), digits.back());
        EXPECT_FALSE(matches(ring, secret, mixed));
    }
}

TEST_P(KeyMatchTest, ThePublicKeyAmongEvaluationKeysIsTheVeryOne) {
    EvaluationKeys keys = all_keys(mine);
    EXPECT_EQ(holds(keys, mine.public_key), true);
    EXPECT_EQ(holds(sent(ring, keys), mine.public_key), true);
    EXPECT_EQ(holds(keys, other.public_key), false);
    EXPECT_EQ(holds(keys, mine.generator.public_key()), false);
    keys.public_key.reset();
    EXPECT_EQ(holds(keys, mine.public_key), std::nullopt);
}

TEST_P(KeyMatchTest, KeysOfOtherParametersAreNoMatch) {
    const Scheme elsewhere(small_parameters(64, {40, 40}, {45}, {257}));
    EXPECT_FALSE(matches(ring, secret, elsewhere.public_key));
    EXPECT_FALSE(matches(ring, secret, all_keys(elsewhere)));
    EXPECT_THROW((void)matches(ring, elsewhere.generator.secret_key(), mine.public_key), Error);
}

INSTANTIATE_TEST_SUITE_P(Rings, KeyMatchTest,
                         ::testing::Values(small_parameters(128, {40}, {}, {257}),
                                           small_parameters(128, {40, 40, 40}, {45}, {257}),
                                           small_parameters(1024, {36, 36, 36, 36, 36}, {40, 40}, {12289},
                                                            2)),
                         parameters_name);

}  // namespace
}  // namespace lacuna::testing
