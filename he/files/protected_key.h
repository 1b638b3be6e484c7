// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string_view>

#include <lacuna/he/files/source.h>
#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/ntt/buffer.h>

namespace lacuna {

/// What a secret key is encrypted under: bytes, zeroed when they die.
class Passphrase {
  public:
    /// 1 ... 1024 bytes, of any value. Throws Error for another number.
    explicit Passphrase(std::string_view text);

    [[nodiscard]] std::span<const char> bytes() const;
    [[nodiscard]] bool operator==(const Passphrase& other) const;

    static constexpr std::size_t max_bytes = 1024;

  private:
    Buffer words_;
    std::size_t size_;
};

/// What one guess costs: scrypt (RFC 7914) with N = 2^log2_n takes 128 r N bytes and time in proportion to r
/// N p.
struct PassphraseCost {
    int log2_n = 17;
    int r = 8;
    int p = 1;
};

/// The key's record, encrypted with ChaCha20-Poly1305 under a key that scrypt derives from the passphrase;
/// kind 12 of he/files/file_format.md. Throws Error where the key does not belong to the ring, the cost is
/// out of the format's bounds or the stream fails.
void save_protected(std::ostream& stream, const Ring& ring, const SecretKey& key,
                    const Passphrase& passphrase, const PassphraseCost& cost = {});

/// Reads a secret key, plain or under a passphrase, which is asked for only in the second case. Throws Error
/// as load_secret_key() does, and where the passphrase is another.
[[nodiscard]] SecretKey load_secret_key(Source& source, const Ring& ring,
                                        const std::function<Passphrase()>& ask);

}  // namespace lacuna
