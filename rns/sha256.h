// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace lacuna {

/// SHA-256 (FIPS 180-4) of bytes that come one after the other.
class Sha256 {
  public:
    using Value = std::array<std::uint8_t, 32>;

    /// Throws Error where the library behind it offers no SHA-256.
    Sha256();
    ~Sha256();  // wipes what it has seen
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::span<const std::uint8_t> bytes);
    /// Of all bytes so far; nothing can follow.
    [[nodiscard]] Value value();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace lacuna
