// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/checksum.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna {
namespace {

std::span<const std::uint8_t> text_bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Digest checksum_of(const std::string& text) {
    Checksum checksum;
    checksum.update(text_bytes(text));
    return checksum.value();
}

std::string hex(const Digest& value) {
    std::string text;
    for (const std::uint8_t byte : value) {
        constexpr const char* digits = "0123456789abcdef";
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

/// The first halves of the examples of FIPS 180-2, appendix B, and of the digest of nothing.
TEST(Checksum, IsTheFirstHalfOfSha256) {
    EXPECT_EQ(hex(checksum_of("")), "e3b0c44298fc1c149afbf4c8996fb924");
    EXPECT_EQ(hex(checksum_of("abc")), "ba7816bf8f01cfea414140de5dae2223");
    EXPECT_EQ(hex(checksum_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039");
    EXPECT_EQ(hex(checksum_of(std::string(1'000'000, 'a'))), "cdc76e5c9914fb9281a1c7e284d73e67");
}

TEST(Checksum, DoesNotDependOnThePieces) {
    std::mt19937_64 random(1);
    std::string text(3000, ' ');
    for (char& character : text) {
        character = static_cast<char>(random());
    }
    const Digest whole = checksum_of(text);
    for (int round = 0; round < 20; ++round) {
        Checksum checksum;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t count = std::min<std::size_t>(random() % 200, text.size() - at);
            checksum.update(text_bytes(text).subspan(at, count));
            at += count;
            if (round % 2 == 1) {  // it goes on where it was moved to
                Checksum moved = std::move(checksum);
                checksum = std::move(moved);
            }
        }
        EXPECT_EQ(checksum.value(), whole);
    }
}

TEST(Checksum, EveryBitCounts) {
    const std::string text(200, 'x');
    const Digest whole = checksum_of(text);
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
        std::string other = text;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
        ASSERT_NE(checksum_of(other), whole) << bit;
    }
    EXPECT_NE(checksum_of(text + '\0'), whole);
}

}  // namespace
}  // namespace lacuna
