// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/sealing.h>

#include <new>

#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_pwhash_scryptsalsa208sha256.h>

namespace lacuna {

void derive_sealing_key(std::span<const char> passphrase, std::span<const std::uint8_t> salt, int log2_n,
                        int r, int p, std::uint64_t most_memory, std::span<std::uint8_t> key) {
    if ((std::uint64_t{128} * static_cast<unsigned>(r) << log2_n) > most_memory ||
        crypto_pwhash_scryptsalsa208sha256_ll(reinterpret_cast<const std::uint8_t*>(passphrase.data()),
                                              passphrase.size(), salt.data(), salt.size(),
                                              std::uint64_t{1} << log2_n, static_cast<std::uint32_t>(r),
                                              static_cast<std::uint32_t>(p), key.data(), key.size()) != 0) {
        throw std::bad_alloc();
    }
}

SealingTag seal(std::span<const std::uint8_t> key, const SealingNonce& nonce,
                std::span<const std::uint8_t> open_text, std::span<const std::uint8_t> plain,
                std::span<std::uint8_t> sealed) {
    SealingTag tag{};
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(sealed.data(), tag.data(), nullptr, plain.data(),
                                                       plain.size(), open_text.data(), open_text.size(),
                                                       nullptr, nonce.data(), key.data());
    return tag;
}

bool unseal(std::span<const std::uint8_t> key, const SealingNonce& nonce,
            std::span<const std::uint8_t> open_text, std::span<const std::uint8_t> sealed,
            const SealingTag& tag, std::span<std::uint8_t> plain) {
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               plain.data(), nullptr, sealed.data(), sealed.size(), tag.data(), open_text.data(),
               open_text.size(), nonce.data(), key.data()) == 0;
}

}  // namespace lacuna
