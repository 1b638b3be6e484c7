// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/sealing.h>

#include <memory>
#include <new>

#include <openssl/evp.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

class Cipher {
  public:
    enum class Direction : int { decrypt = 0, encrypt = 1 };

    Cipher(Direction direction, std::span<const std::uint8_t> key, const SealingNonce& nonce)
        : context_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free) {
        check(context_ != nullptr &&
              EVP_CipherInit_ex2(context_.get(), EVP_chacha20_poly1305(), key.data(), nonce.data(),
                                 static_cast<int>(direction), nullptr) == 1);
    }

    /// out: null for what is authenticated only, else as many bytes as go in.
    void update(std::uint8_t* out, std::span<const std::uint8_t> in) {
        int size = 0;
        check(EVP_CipherUpdate(context_.get(), out, &size, in.data(), static_cast<int>(in.size())) == 1);
    }
    SealingTag tag() {
        SealingTag tag{};
        check(finish() && EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG,
                                              static_cast<int>(tag.size()), tag.data()) == 1);
        return tag;
    }
    [[nodiscard]] bool verify(SealingTag tag) {
        check(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                                  tag.data()) == 1);
        return finish();
    }

  private:
    bool finish() {
        int size = 0;
        SealingTag none{};
        return EVP_CipherFinal_ex(context_.get(), none.data(), &size) == 1;
    }
    static void check(bool done) {
        if (!done) {
            throw Error(
                "secret key: OpenSSL's ChaCha20-Poly1305 failed; install an OpenSSL 3 with its default "
                "provider");
        }
    }

    std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
};

}  // namespace

void derive_sealing_key(std::span<const char> passphrase, std::span<const std::uint8_t> salt, int log2_n,
                        int r, int p, std::uint64_t most_memory, std::span<std::uint8_t> key) {
    // Room for the blocks beside V (p of them and a few more).
    constexpr std::uint64_t room = std::uint64_t{1} << 20;
    if (EVP_PBE_scrypt(passphrase.data(), passphrase.size(), salt.data(), salt.size(),
                       std::uint64_t{1} << log2_n, static_cast<std::uint64_t>(r),
                       static_cast<std::uint64_t>(p), most_memory + room, key.data(), key.size()) != 1) {
        throw std::bad_alloc();  // within the bounds only memory can be lacking
    }
}

SealingTag seal(std::span<const std::uint8_t> key, const SealingNonce& nonce,
                std::span<const std::uint8_t> open_text, std::span<const std::uint8_t> plain,
                std::span<std::uint8_t> sealed) {
    Cipher cipher(Cipher::Direction::encrypt, key, nonce);
    cipher.update(nullptr, open_text);
    cipher.update(sealed.data(), plain);
    return cipher.tag();
}

bool unseal(std::span<const std::uint8_t> key, const SealingNonce& nonce,
            std::span<const std::uint8_t> open_text, std::span<const std::uint8_t> sealed,
            const SealingTag& tag, std::span<std::uint8_t> plain) {
    Cipher cipher(Cipher::Direction::decrypt, key, nonce);
    cipher.update(nullptr, open_text);
    cipher.update(plain.data(), sealed);
    return cipher.verify(tag);
}

}  // namespace lacuna
