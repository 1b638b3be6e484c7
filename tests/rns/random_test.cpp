// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/random.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/seeds.h"

namespace lacuna::testing {
namespace {

std::string hex(const std::vector<std::uint64_t>& words) {
    std::string text;
    for (const std::uint64_t word : words) {
        for (int byte = 0; byte < 8; ++byte) {
            constexpr const char* digits = "0123456789abcdef";
            text += digits[(word >> (8 * byte + 4)) & 15];
            text += digits[(word >> (8 * byte)) & 15];
        }
    }
    return text;
}

std::string stream_bytes(const Seed& seed, std::uint64_t number, std::size_t skipped, std::size_t count) {
    RandomStream stream(seed, number);
    std::vector<std::uint64_t> words(skipped + count);
    stream.fill(words);
    return hex({words.begin() + static_cast<std::ptrdiff_t>(skipped), words.end()});
}

/// Vectors of RFC 8439, appendix A.1.
TEST(RandomStream, IsTheChaCha20OfTheRfc) {
    const Seed zero{};
    EXPECT_EQ(stream_bytes(zero, 0, 0, 8),
              "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
              "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    EXPECT_EQ(stream_bytes(zero, 0, 8, 8),
              "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
              "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    Seed one{};
    one.back() = 1;
    EXPECT_EQ(stream_bytes(one, 0, 8, 8),
              "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
              "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
    EXPECT_EQ(stream_bytes(zero, std::uint64_t{2} << 56, 0, 8),
              "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
              "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d");
}

TEST(RandomStream, GoesOnWhereItStopped) {
    RandomStream whole(counting_seed(), 7);
    RandomStream parts(counting_seed(), 7);
    std::vector<std::uint64_t> a(1000);
    std::vector<std::uint64_t> b(1000);
    whole.fill(a);
    std::size_t filled = 0;
    for (const std::size_t count : {1, 2, 3, 7, 8, 9, 470, 500}) {
        parts.fill(std::span(b).subspan(filled, count));
        filled += count;
    }
    ASSERT_EQ(filled, 1000u);
    EXPECT_EQ(a, b);
    RandomStream moved = std::move(whole);
    moved.fill(a);
    parts.fill(b);
    EXPECT_EQ(a, b);
}

TEST(RandomStream, SeedsAndNumbersGiveDifferentStreams) {
    std::set<std::string> seen;
    Seed seed = counting_seed();
    for (std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{256},
                                 std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        EXPECT_TRUE(seen.insert(stream_bytes(seed, number, 0, 4)).second);
    }
    for (std::size_t i = 0; i < seed.size(); ++i) {
        Seed other = seed;
        other[i] ^= 1;
        EXPECT_TRUE(seen.insert(stream_bytes(other, 0, 0, 4)).second);
    }
    for (int i = 0; i < 4; ++i) {
        RandomStream secret = RandomStream::secret();
        std::vector<std::uint64_t> words(4);
        secret.fill(words);
        EXPECT_TRUE(seen.insert(hex(words)).second);
    }
    EXPECT_NE(public_seed(), public_seed());
    EXPECT_NE(private_seed(), private_seed());
}

}  // namespace
}  // namespace lacuna::testing
