// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include <lacuna/he/rlwe/noise_factors.h>
#include <lacuna/he/rlwe/secret_bound.h>

namespace lacuna {

/// How many standard deviations bound a noise coefficient, by what the noise is a product of. The theorem,
/// its assumptions and its proof: he/fv/noise.md. Safe to use from several threads.
class NoiseTail {
  public:
    /// The bound of one coefficient fails with probability at most 2^-bits.
    NoiseTail(std::size_t n, int bits);
    /// The same object for the same arguments: its values cost a millisecond each and are remembered.
    [[nodiscard]] static std::shared_ptr<const NoiseTail> shared(std::size_t n, int bits);

    /// log2 of T with P(|X| > T sigma) <= 2^-bits, for a term X with these factors, weighted with
    /// u(zeta)^power (SecretBound), sigma^2 its mean square as NoiseModel counts it.
    /// own_power: the power that the polynomial of X itself occurs to, 1 where X is linear in it.
    [[nodiscard]] double log_deviations(const NoiseFactors& factors, std::size_t secret_power,
                                        std::size_t own_power = 1) const;
    /// The same for t e^2, the noise of an unscaled square (Evaluator::square_unscaled), which is quadratic
    /// in one fresh error e: one half of its coefficients is taken as the factor of the other.
    [[nodiscard]] double log_deviations_of_square() const;

    [[nodiscard]] const SecretBound& secret() const { return secret_; }

  private:
    [[nodiscard]] double compute(double embeddings, const NoiseFactors& factors, std::size_t secret_power,
                                 std::size_t own_power) const;

    std::size_t n_;
    int bits_;
    SecretBound secret_;
    mutable std::mutex mutex_;
    mutable std::map<std::tuple<NoiseFactors, std::size_t, std::size_t>, double> known_;
    mutable double square_ = 0;
};

}  // namespace lacuna
