// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <lacuna/he/files/digest.h>

namespace lacuna {

/// The checksum of files, a Digest. It finds damage and mix-ups with certainty for every
/// practical purpose, where a CRC of 32 bits would miss one in four billion. It is no proof of origin:
/// whoever can change a file can change its checksum.
class Checksum {
  public:
    /// Throws Error where libcrypto offers no SHA-256.
    Checksum();
    ~Checksum();
    Checksum(Checksum&&) noexcept;
    Checksum& operator=(Checksum&&) noexcept;

    void update(std::span<const std::uint8_t> bytes);
    /// Of all bytes so far; nothing can follow.
    [[nodiscard]] Digest value();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace lacuna
