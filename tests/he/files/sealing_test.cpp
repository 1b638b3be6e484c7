// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/sealing.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes text_bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

/// RFC 7914, section 12; the keys are the first halves of those that are written there.
TEST(Sealing, DerivesWithScrypt) {
    const std::string_view passphrase = "password";
    const Bytes salt = text_bytes("NaCl");
    Bytes key(sealing_key_bytes);
    derive_sealing_key(passphrase, salt, 10, 8, 16, std::uint64_t{1} << 20, key);
    EXPECT_EQ(key, (Bytes{0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00, 0x78, 0x56, 0xe7,
                          0x19, 0x0d, 0x01, 0xe9, 0xfe, 0x7c, 0x6a, 0xd7, 0xcb, 0xc8, 0x23,
                          0x78, 0x30, 0xe7, 0x73, 0x76, 0x63, 0x4b, 0x37, 0x31, 0x62}));
    EXPECT_THROW(derive_sealing_key(passphrase, salt, 15, 8, 1, std::uint64_t{1} << 20, key), std::bad_alloc);
}

class Sealed : public ::testing::Test {
  protected:
    Sealed() {
        for (std::size_t i = 0; i < key.size(); ++i) {
            key[i] = static_cast<std::uint8_t>(0x80 + i);
        }
    }
    Bytes key = Bytes(sealing_key_bytes);
    const SealingNonce nonce = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
    const Bytes open_text = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
    const Bytes plain = text_bytes(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        "sunscreen "
        "would be it.");
    const SealingTag tag = {0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a,
                            0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91};
};

/// RFC 8439, section 2.8.2.
TEST_F(Sealed, IsChaCha20Poly1305) {
    Bytes sealed(plain.size());
    EXPECT_EQ(seal(key, nonce, open_text, plain, sealed), tag);
    EXPECT_EQ(Bytes(sealed.begin(), sealed.begin() + 8),
              (Bytes{0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb}));
    Bytes opened(plain.size());
    EXPECT_TRUE(unseal(key, nonce, open_text, sealed, tag, opened));
    EXPECT_EQ(opened, plain);
}

TEST_F(Sealed, FindsWhatWasChanged) {
    Bytes sealed(plain.size());
    (void)seal(key, nonce, open_text, plain, sealed);
    Bytes opened(plain.size());
    SealingTag other = tag;
    other[15] ^= 1;
    EXPECT_FALSE(unseal(key, nonce, open_text, sealed, other, opened));
    Bytes changed = open_text;
    changed[0] ^= 1;
    EXPECT_FALSE(unseal(key, nonce, changed, sealed, tag, opened));
    sealed.back() ^= 1;
    EXPECT_FALSE(unseal(key, nonce, open_text, sealed, tag, opened));
}

}  // namespace
}  // namespace lacuna::testing
