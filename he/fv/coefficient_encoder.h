// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>

namespace lacuna {

/// Puts integers straight into coefficients.
class CoefficientEncoder {
  public:
    explicit CoefficientEncoder(const Context& context, std::size_t plain_index = 0)
        : space_(context.shared_plain(plain_index)), n_(context.n()) {}

    /// At most n values, each taken modulo t.
    [[nodiscard]] Plaintext encode(std::span<const std::int64_t> values) const;
    /// All n coefficients, centred: in (-t/2, t/2].
    [[nodiscard]] std::vector<std::int64_t> decode(const Plaintext& plaintext) const;

  private:
    std::shared_ptr<const PlaintextSpace> space_;
    std::size_t n_;
};

}  // namespace lacuna
