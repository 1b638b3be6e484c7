// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lacuna {

/// What keeps a secret key that is stored under a passphrase.
using SealingNonce = std::array<std::uint8_t, 12>;
using SealingTag = std::array<std::uint8_t, 16>;
constexpr std::size_t sealing_key_bytes = 32;

/// scrypt (RFC 7914) with N = 2^log2_n: sealing_key_bytes of key. Throws std::bad_alloc where memory lacks
/// for its 128 r N bytes, or where it would take more than most_memory of them.
void derive_sealing_key(std::span<const char> passphrase, std::span<const std::uint8_t> salt, int log2_n,
                        int r, int p, std::uint64_t most_memory, std::span<std::uint8_t> key);

/// ChaCha20-Poly1305 (RFC 8439): encrypts `plain` into `sealed`, which is as long; the tag covers
/// `open_text`, too. Throws Error where the library behind it offers no such cipher.
[[nodiscard]] SealingTag seal(std::span<const std::uint8_t> key, const SealingNonce& nonce,
                              std::span<const std::uint8_t> open_text, std::span<const std::uint8_t> plain,
                              std::span<std::uint8_t> sealed);
/// The way back. False where the tag is another: what is in `plain` then means nothing.
[[nodiscard]] bool unseal(std::span<const std::uint8_t> key, const SealingNonce& nonce,
                          std::span<const std::uint8_t> open_text, std::span<const std::uint8_t> sealed,
                          const SealingTag& tag, std::span<std::uint8_t> plain);

}  // namespace lacuna
