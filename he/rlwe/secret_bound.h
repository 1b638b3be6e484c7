// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lacuna {

/// What is certain of a secret s that key generation accepts. With u(zeta) = (1 + |s(zeta)|^2) / (1 + 2n/3),
/// zeta over the complex roots of x^n + 1:
///
///     u(zeta) <= largest()               for every zeta,
///     mean over zeta of u(zeta)^j <= moment(j)      for every j >= 0.
///
/// Key generation draws again until both hold, so that noise bounds rest on them as on facts. A secret drawn
/// at random passes with a probability of about 0.8 to 0.9 at every n: rejection costs the secret less than
/// half a bit of entropy.
class SecretBound {
  public:
    explicit SecretBound(std::size_t n);

    /// ln(n/2) + 2: for u as exponential as a Gaussian s would make it, n/2 independent values stay below
    /// with probability exp(-exp(-2)) = 0.87.
    [[nodiscard]] double largest() const { return largest_; }
    /// For j <= 12 the mean of u^j of such exponentials below largest(), and 2.5 standard deviations of a
    /// mean of n/2 of them; beyond, moment(12) largest()^(j - 12).
    [[nodiscard]] double log_moment(std::size_t j) const;

    /// Whether the secret with these coefficients satisfies both. Its time does not depend on them, but for
    /// the answer; what it computes with is zeroised.
    [[nodiscard]] bool accepts(std::span<const std::int64_t> secret) const;

  private:
    static constexpr std::size_t checked = 12;

    std::size_t n_;
    double largest_;
    std::array<double, checked + 1> log_moments_{};  ///< natural logarithms
};

}  // namespace lacuna
