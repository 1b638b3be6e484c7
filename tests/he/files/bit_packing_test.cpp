// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/bit_packing.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/records.h"

namespace lacuna::testing {
namespace {

TEST(BitPacking, EveryWidthComesBackAndFillsUpWithZeros) {
    std::mt19937_64 random(3);
    for (int bits = 1; bits <= 63; ++bits) {
        for (const std::size_t count : {1, 7, 8, 64, 65, 131}) {
            std::vector<std::uint64_t> words(count);
            for (std::uint64_t& word : words) {
                word = random() >> (64 - bits);
            }
            Bytes bytes(packed_bytes(count, bits));
            pack_bits(words, bits, bytes);
            std::vector<std::uint64_t> unpacked(count);
            ASSERT_TRUE(unpack_bits(bytes, bits, unpacked)) << bits << " bits, " << count << " words";
            ASSERT_EQ(unpacked, words) << bits << " bits, " << count << " words";
            if (count * static_cast<std::size_t>(bits) % 8 != 0) {
                bytes.back() |= 0x80;
                EXPECT_FALSE(unpack_bits(bytes, bits, unpacked)) << bits << " bits, " << count << " words";
                EXPECT_EQ(unpacked, words);
            }
        }
    }
    EXPECT_EQ(bits_below(2), 1);
    EXPECT_EQ(bits_below(3), 2);
    EXPECT_EQ(bits_below(std::uint64_t{1} << 49), 49);
    EXPECT_EQ(bits_below((std::uint64_t{1} << 49) + 1), 50);
}

TEST(BitPacking, LowestBitFirst) {
    const std::array<std::uint64_t, 3> words = {0b101, 0b011, 0b110};
    std::array<std::uint8_t, 2> bytes{};
    pack_bits(words, 3, bytes);
    EXPECT_EQ(bytes[0], 0b10011101);
    EXPECT_EQ(bytes[1], 0b1);
}

}  // namespace
}  // namespace lacuna::testing
