// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "he/parameters.h"
#include "he/ring.h"

namespace lacuna {

/// One plaintext ring Z_t[x]/(x^n + 1) over a Ring: the constants that tie t to Q at every level.
class PlaintextSpace {
  public:
    PlaintextSpace(const Ring& ring, std::uint64_t t);

    [[nodiscard]] const Modulus& modulus() const { return modulus_; }
    /// Whether t is a prime = 1 mod 2n, so that a plaintext splits into n slots.
    [[nodiscard]] bool batching() const { return batching_.has_value(); }
    /// The transform modulo t; throws Error unless batching().
    [[nodiscard]] const NttTables& batching_tables() const;

    /// Adds round(Q_l m / t) to the coefficient-form words of limb i at level `limbs`; m: n words in [0, t).
    /// With `thresholds`, the same n words in [0, t) for every limb, coefficient j is rounded up where t
    /// times the fraction of Q_l m / t exceeds thresholds[j]: with uniform ones the error is 0 on average.
    void add_scaled(const Ring& ring, const std::uint64_t* m, std::size_t limbs, std::size_t i,
                    std::uint64_t* limb, bool subtract = false,
                    const std::uint64_t* thresholds = nullptr) const;
    /// round(Q_l m / t) modulo q_i for one coefficient m in [0, t).
    [[nodiscard]] std::uint64_t scaled(const Ring& ring, std::uint64_t m, std::size_t limbs,
                                       std::size_t i) const;

    /// round(t z / Q_l) modulo Q_l, from z modulo Q_l and the helper primes; with drop = 1 (limbs >= 2) also
    /// divided by the last prime, modulo Q_{l-1}.
    [[nodiscard]] const Scaler& product_scaler(std::size_t limbs, std::size_t drop = 0) const {
        return product_scalers_[drop][limbs - 1 - drop];
    }
    /// Q_l modulo t.
    [[nodiscard]] std::uint64_t q_modulo_t(std::size_t limbs) const { return q_mod_t_[limbs - 1].value; }
    /// round(t z / Q_l) modulo t.
    [[nodiscard]] const ScalerToPlain& plain_scaler(std::size_t limbs) const {
        return plain_scalers_[limbs - 1];
    }

  private:
    Modulus modulus_;
    std::optional<NttTables> batching_;
    std::vector<ShoupFactor> q_mod_t_;                    // [limbs - 1]: Q_l mod t
    std::vector<ShoupFactor> minus_inverse_t_;            // [i]: -t^-1 mod q_i
    std::array<std::vector<Scaler>, 2> product_scalers_;  // [drop]
    std::vector<ScalerToPlain> plain_scalers_;
};

/// Validated parameters and everything derived from them; immutable, shared by keys, encryptors and
/// evaluators and safe to use from several threads.
class Context {
  public:
    /// Throws one Error that lists every problem of the parameters, each with what to do.
    explicit Context(const Parameters& parameters, const Kernels& kernels = active_kernels());
    /// Further plaintext moduli over an existing ring and its keys.
    Context(std::shared_ptr<const Ring> ring, const std::vector<std::uint64_t>& plain_moduli);

    [[nodiscard]] const Ring& ring() const { return *ring_; }
    [[nodiscard]] std::shared_ptr<const Ring> shared_ring() const { return ring_; }
    [[nodiscard]] std::size_t n() const { return ring_->n(); }
    [[nodiscard]] std::size_t plain_count() const { return spaces_.size(); }
    [[nodiscard]] const PlaintextSpace& plain(std::size_t index = 0) const;
    /// The space of modulus t; throws Error where the context has none.
    [[nodiscard]] const PlaintextSpace& plain_for(std::uint64_t t) const;

  private:
    std::shared_ptr<const Ring> ring_;
    std::vector<PlaintextSpace> spaces_;
};

}  // namespace lacuna
