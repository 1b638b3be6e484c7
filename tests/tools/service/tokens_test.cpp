// SPDX-License-Identifier: Apache-2.0
#include "tools/service/tokens.h"

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/child_process.h"

namespace lacuna::service {
namespace {

TEST(Tokens, OpenForThoseThatAreListed) {
    const testing::TemporaryFolder folder;
    testing::write_text(folder / "tokens", "# clients\n\n0123456789abcdef\r\nanother-long-token\n");
    const Tokens tokens(folder / "tokens");
    EXPECT_TRUE(tokens.admit("0123456789abcdef"));
    EXPECT_TRUE(tokens.admit("another-long-token"));
    EXPECT_FALSE(tokens.admit("0123456789abcdeF"));
    EXPECT_FALSE(tokens.admit("# clients"));
    EXPECT_FALSE(tokens.admit(""));
    EXPECT_FALSE(tokens.admit(std::nullopt));
    EXPECT_TRUE(Tokens().admit(std::nullopt));
}

TEST(Tokens, RefuseFilesThatWouldOpenForAnybody) {
    const testing::TemporaryFolder folder;
    EXPECT_THROW(Tokens(folder / "missing"), Error);
    for (const char* text :
         {"", "# none\n", "short\n", "with a blank in it\n", "per%63ent-encoded-token\n"}) {
        testing::write_text(folder / "tokens", text);
        EXPECT_THROW(Tokens(folder / "tokens"), Error) << text;
    }
}

}  // namespace
}  // namespace lacuna::service
