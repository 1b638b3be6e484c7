// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>

namespace lacuna {

/// Puts n integers modulo t into the n slots of a plaintext: ring operations act on every slot by itself. The
/// slots form two rows of n/2: slot j < n/2 is the value at psi^(3^j), slot n/2 + j the value at psi^(-3^j),
/// so that rotations turn the rows and the row swap exchanges them.
class BatchEncoder {
  public:
    /// Throws Error unless the space's t is a prime = 1 mod 2n.
    explicit BatchEncoder(const Context& context, std::size_t plain_index = 0);

    [[nodiscard]] std::size_t slots() const { return positions_.size(); }
    /// At most n values, the other slots are 0. Any signed value; it is taken modulo t.
    [[nodiscard]] Plaintext encode(std::span<const std::int64_t> values) const;
    /// All n slots, centred: in (-t/2, t/2].
    [[nodiscard]] std::vector<std::int64_t> decode(const Plaintext& plaintext) const;

  private:
    std::shared_ptr<const PlaintextSpace> space_;
    std::vector<std::uint32_t> positions_;  // of slot j in the transform
};

}  // namespace lacuna
