// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/sha256.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace lacuna::testing {
namespace {

std::span<const std::uint8_t> text_bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string hex(const Sha256::Value& value) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : value) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

/// Vectors of FIPS 180-4's examples.
TEST(Sha256, IsTheStandards) {
    EXPECT_EQ(hex(Sha256().value()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    Sha256 abc;
    abc.update(text_bytes("abc"));
    EXPECT_EQ(hex(abc.value()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, GoesOnWhereItStopped) {
    const std::string million(1'000'000, 'a');
    Sha256 parts;
    for (std::size_t begin = 0, count = 1; begin < million.size(); begin += count, count = count * 3 % 997) {
        parts.update(text_bytes(million).subspan(begin, std::min(count, million.size() - begin)));
    }
    Sha256 moved = std::move(parts);
    EXPECT_EQ(hex(moved.value()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace lacuna::testing
