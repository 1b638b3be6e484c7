// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/protected_key.h>

#include <gtest/gtest.h>

#include <openssl/evp.h>

#include <sstream>
#include <string>

#include <lacuna/he/files/inspect.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include "tests/support/golden.h"
#include "tests/support/records.h"

namespace lacuna::testing {
namespace {

constexpr PassphraseCost quick = {10, 8, 1};

class ProtectedKey : public ::testing::Test {
  protected:
    Bytes sealed(const std::string& passphrase, const PassphraseCost& cost = quick) const {
        std::ostringstream stream;
        save_protected(stream, golden.ring, golden.secret_key(), Passphrase(passphrase), cost);
        const std::string text = stream.str();
        return {text.begin(), text.end()};
    }
    SecretKey opened(const Bytes& bytes, const std::string& passphrase) const {
        Source source(bytes, "secret.key");
        SecretKey key = load_secret_key(source, golden.ring, [&] { return Passphrase(passphrase); });
        source.expect_end();
        return key;
    }
    std::string problem(const Bytes& bytes, const std::string& passphrase) const {
        try {
            (void)opened(bytes, passphrase);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    }

    GoldenObjects golden;
};

TEST_F(ProtectedKey, ComesBackUnderItsPassphraseAlone) {
    for (const std::string& passphrase :
         {std::string("correct horse"), std::string("\0\xff", 2), std::string(1024, 'p')}) {
        const Bytes bytes = sealed(passphrase);
        EXPECT_EQ(opened(bytes, passphrase).s, golden.secret_key().s);
        EXPECT_NE(problem(bytes, passphrase + "x")
                      .find(passphrase.size() < 1024 ? "found another one" : "1 to 1024"),
                  std::string::npos);
        EXPECT_NE(problem(bytes, "wrong").find("secret.key: expected the passphrase"), std::string::npos);
    }
    EXPECT_THROW((void)Passphrase(""), Error);
}

TEST_F(ProtectedKey, EveryFileHasSaltAndNonceOfItsOwn) {
    const Bytes first = sealed("same");
    const Bytes second = sealed("same");
    ASSERT_EQ(first.size(), second.size());
    for (const std::size_t section :
         {std::size_t{48}, std::size_t{80}, std::size_t{92}}) {  // salt, nonce, text
        EXPECT_FALSE(std::equal(first.begin() + static_cast<std::ptrdiff_t>(section),
                                first.begin() + static_cast<std::ptrdiff_t>(section) + 12,
                                second.begin() + static_cast<std::ptrdiff_t>(section)));
    }
    // Nothing of the plain record shows.
    std::ostringstream plain;
    save(plain, golden.ring, golden.secret_key());
    const std::string body = plain.str().substr(record_header_bytes, 16);
    EXPECT_EQ(std::string(first.begin(), first.end()).find(body), std::string::npos);
}

TEST_F(ProtectedKey, PlainKeysAreReadWithoutAsking) {
    std::ostringstream stream;
    save(stream, golden.ring, golden.secret_key());
    const std::string text = stream.str();
    const Bytes bytes(text.begin(), text.end());
    Source source(bytes, "secret.key");
    const SecretKey key =
        load_secret_key(source, golden.ring, []() -> Passphrase { throw Error("asked for a passphrase"); });
    EXPECT_EQ(key.s, golden.secret_key().s);
}

TEST_F(ProtectedKey, APlainLoaderSaysWhatItIs) {
    const Bytes bytes = sealed("p");
    Source source(bytes, "secret.key");
    try {
        (void)load_secret_key(source, golden.ring);
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("secret key under a passphrase"), std::string::npos);
    }
    Source again(bytes, "secret.key");
    EXPECT_EQ(inspect(again).kind, Kind::protected_secret_key);
}

/// A changed byte anywhere is found, even where the checksum has been made right again.
TEST_F(ProtectedKey, AnyChangeIsFound) {
    const Bytes bytes = sealed("p");
    for (std::size_t at = 0; at < bytes.size(); at += at < 110 ? 1 : 37) {
        Bytes changed = bytes;
        changed[at] ^= 1;
        EXPECT_NE(problem(changed, "p"), "") << at;
        reseal(changed);
        if (at < bytes.size() - 16) {
            EXPECT_NE(problem(changed, "p"), "") << at << ", resealed";
        }
    }
    for (std::size_t size = 0; size < bytes.size(); size += 41) {
        EXPECT_NE(problem(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)), "p"), "");
    }
}

/// A file that asks for more memory or work than allowed is refused before anything is derived.
TEST_F(ProtectedKey, RefusesCostsOutOfBounds) {
    for (const auto& [offset, value] : std::vector<std::pair<std::size_t, int>>{
             {0, 0}, {0, 2}, {1, 9}, {1, 21}, {1, 63}, {1, 255}, {2, 0}, {2, 17}, {3, 0}, {3, 17}, {4, 1}}) {
        Bytes changed = sealed("p");
        changed[record_header_bytes + offset] = static_cast<std::uint8_t>(value);
        reseal(changed);
        EXPECT_NE(problem(changed, "p").find("scheme 1"), std::string::npos) << offset << ' ' << value;
    }
    Bytes large = sealed("p");  // each within its own bound: 128 * 16 * 2^20 = 2^31
    large[record_header_bytes + 1] = 20;
    large[record_header_bytes + 2] = 16;
    reseal(large);
    EXPECT_NE(problem(large, "p").find("scheme 1"), std::string::npos);
    EXPECT_THROW((void)sealed("p", {9, 8, 1}), Error);
    EXPECT_THROW((void)sealed("p", {20, 16, 1}), Error);
}

/// The format page, followed with OpenSSL alone.
TEST_F(ProtectedKey, FollowsTheFormatPage) {
    const Bytes bytes = sealed("pass", quick);
    const std::uint8_t* body = bytes.data() + record_header_bytes;
    EXPECT_EQ((std::vector<int>{body[0], body[1], body[2], body[3]}), (std::vector<int>{1, 10, 8, 1}));
    std::array<std::uint8_t, 32> key{};
    ASSERT_EQ(EVP_PBE_scrypt("pass", 4, body + 8, 32, 1024, 8, 1, 0, key.data(), key.size()), 1);
    const std::size_t length = static_cast<std::size_t>(secret_key_bytes(golden.ring));
    std::vector<std::uint8_t> plain(length);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    int size = 0;
    std::array<std::uint8_t, 16> tag{};
    std::copy_n(body + 52 + length, tag.size(), tag.begin());
    EXPECT_EQ(EVP_DecryptInit_ex(context, EVP_chacha20_poly1305(), nullptr, key.data(), body + 40), 1);
    EXPECT_EQ(EVP_DecryptUpdate(context, nullptr, &size, bytes.data(), record_header_bytes + 52), 1);
    EXPECT_EQ(EVP_DecryptUpdate(context, plain.data(), &size, body + 52, static_cast<int>(length)), 1);
    EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag.data()), 1);
    EXPECT_EQ(EVP_DecryptFinal_ex(context, plain.data(), &size), 1);
    EVP_CIPHER_CTX_free(context);
    std::ostringstream expected;
    save(expected, golden.ring, golden.secret_key());
    EXPECT_EQ(std::string(plain.begin(), plain.end()), expected.str());
}

}  // namespace
}  // namespace lacuna::testing
