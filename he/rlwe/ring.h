// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <lacuna/he/rlwe/ring_parameters.h>
#include <lacuna/rns/base_converter.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/scaler.h>

namespace lacuna {

/// Names a ring and everything that lives in it: keys and ciphertexts of another ring are refused.
using RingHash = std::array<std::uint8_t, 16>;

/// What every RLWE scheme shares: the ring Z_Q[x]/(x^n + 1), the special modulus P, and the constants of key
/// switching and modulus switching. It knows no plaintext space; keys belong to it, so one key set serves
/// every t. Immutable.
///
/// A ciphertext's level is the number l of data primes it still has, its limbs: q_0 ... q_{l-1}.
class Ring {
  public:
    /// Validates the parameters as resolve_ring() does, the security table among the rest, and throws its
    /// Error.
    explicit Ring(const RingParameters& parameters, const Kernels& kernels = active_kernels());

    [[nodiscard]] std::size_t n() const { return data_.n(); }
    [[nodiscard]] const RnsBasis& data() const { return data_; }
    [[nodiscard]] const RnsBasis& special() const { return special_; }
    /// Data primes, then special primes: where keys live.
    [[nodiscard]] const RnsBasis& key_basis() const { return key_basis_; }
    [[nodiscard]] const Kernels& kernels() const { return data_.kernels(); }
    [[nodiscard]] std::size_t max_limbs() const { return data_.size(); }
    [[nodiscard]] std::size_t digit_limbs() const { return digit_limbs_; }
    /// SHA-256 over n, the primes and the digit size, truncated; plain moduli excluded.
    [[nodiscard]] const RingHash& hash() const { return hash_; }
    [[nodiscard]] double log_q(std::size_t limbs) const;
    [[nodiscard]] double log_p() const;

    /// Number of key-switching digits of a polynomial with that many limbs.
    [[nodiscard]] std::size_t digits(std::size_t limbs) const {
        return (limbs + digit_limbs_ - 1) / digit_limbs_;
    }
    /// From the limbs [digit * digit_limbs, min(that + digit_limbs, limbs)) to every prime of key_basis().
    [[nodiscard]] const BaseConverter& digit_converter(std::size_t digit, std::size_t limbs) const;
    /// Division by P of the first data primes' limbs.
    [[nodiscard]] const Divider& special_divider() const { return *special_divider_; }
    /// Division by q_{limbs-1}, leaving limbs - 1 limbs; limbs >= 2.
    [[nodiscard]] const Divider& last_limb_divider(std::size_t limbs) const {
        return limb_dividers_[limbs - 2];
    }

  private:
    struct Resolved {
        RingParameters parameters;
    };
    Ring(const Resolved& resolved, const Kernels& kernels);

    RnsBasis data_;
    RnsBasis special_;
    RnsBasis key_basis_;
    std::size_t digit_limbs_;
    RingHash hash_{};
    std::vector<std::vector<BaseConverter>> digit_converters_;  // [digit][limbs in it - 1]
    std::unique_ptr<const Divider> special_divider_;
    std::vector<Divider> limb_dividers_;
};

}  // namespace lacuna
