// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/digest.h>

#include <string>

#include <gtest/gtest.h>

namespace lacuna::testing {
namespace {

TEST(Digest, ReadsWhatItWrote) {
    Digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i) {
        digest[i] = static_cast<std::uint8_t>(17 * i + 3);
    }
    const std::string text = format_hash(digest);
    EXPECT_EQ(text.substr(0, 8), "03142536");
    EXPECT_EQ(parse_digest(text), digest);
}

TEST(Digest, ReadsNothingElse) {
    const std::string text(32, 'a');
    EXPECT_TRUE(parse_digest(text).has_value());
    EXPECT_FALSE(parse_digest("").has_value());
    EXPECT_FALSE(parse_digest(text.substr(1)).has_value());
    EXPECT_FALSE(parse_digest(text + "a").has_value());
    for (const char wrong : {'A', 'g', ' ', '\0', '-'}) {
        std::string changed = text;
        changed[31] = wrong;
        EXPECT_FALSE(parse_digest(changed).has_value()) << static_cast<int>(wrong);
    }
}

}  // namespace
}  // namespace lacuna::testing
