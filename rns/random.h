// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace lacuna {

using Seed = std::array<std::uint8_t, 32>;

/// 32 bytes that will be published, as the seed of a ciphertext or key is. OpenSSL keeps two generators, each
/// seeded by the kernel: what leaves the machine comes from the public one, so that no output of the other
/// is ever seen. Throws Error where the system gives none.
[[nodiscard]] Seed public_seed();
/// 32 bytes that stay secret, from the private generator. Throws Error where the system gives none.
[[nodiscard]] Seed private_seed();

/// The ChaCha20 key stream (RFC 8439) of a seed as key and a 64-bit stream number as nonce, block counter
/// from 0: the same words on every machine. Distinct numbers give independent streams. At most 2^38 bytes a
/// stream.
class RandomStream {
  public:
    RandomStream(const Seed& seed, std::uint64_t number);
    /// A stream of its own, seeded by private_seed(); the seed is forgotten, so the words cannot be had
    /// again.
    [[nodiscard]] static RandomStream secret();
    ~RandomStream();
    RandomStream(RandomStream&&) noexcept;
    RandomStream& operator=(RandomStream&&) noexcept;

    /// The next words of the stream, little-endian.
    void fill(std::span<std::uint64_t> words);

  private:
    struct Cipher;
    std::unique_ptr<Cipher> cipher_;
};

}  // namespace lacuna
