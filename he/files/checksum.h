// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include <lacuna/he/files/digest.h>
#include <lacuna/rns/sha256.h>

namespace lacuna {

/// The checksum of files, a Digest. It finds damage and mix-ups with certainty for every
/// practical purpose, where a CRC of 32 bits would miss one in four billion. It is no proof of origin:
/// whoever can change a file can change its checksum.
class Checksum {
  public:
    void update(std::span<const std::uint8_t> bytes) { sha256_.update(bytes); }
    /// Of all bytes so far; nothing can follow.
    [[nodiscard]] Digest value();

  private:
    Sha256 sha256_;
};

}  // namespace lacuna
