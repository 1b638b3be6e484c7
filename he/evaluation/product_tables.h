// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/rns/base_converter.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>
#include <lacuna/rns/scaler.h>

namespace lacuna {

/// The helper primes of multiplication: the largest below 2^50 that the ring does not have already, as many
/// as its top level needs with any plaintext modulus.
class HelperPrimes {
  public:
    explicit HelperPrimes(const Ring& ring);

    [[nodiscard]] const RnsBasis& basis() const { return basis_; }
    /// From the first `limbs` data primes to the helper primes, as many of them as any plaintext modulus may
    /// need.
    [[nodiscard]] const BaseConverter& converter(std::size_t limbs) const { return converters_[limbs - 1]; }
    /// How many of them a product of two ciphertexts at this level needs: their product P exceeds n Q_l
    /// (1 + 2^-30), so that |a0 b1 + a1 b0| <= n Q_l^2 / 2 stays below (1 - 2^-40) Q_l P / 2.
    /// With a `growth` of up to 2 max_plain_base, so many times as much: for a product that is multiplied by
    /// a polynomial whose |coefficients| sum to it.
    [[nodiscard]] std::size_t count(const Ring& ring, std::size_t limbs, std::uint64_t growth = 1) const;

  private:
    RnsBasis basis_;
    std::vector<BaseConverter> converters_;  // [limbs - 1]
};

/// What products modulo one t(x) need beside the helper primes.
class ProductSpace {
  public:
    ProductSpace(const Ring& ring, const HelperPrimes& helpers, const PlainModulus& t);

    [[nodiscard]] const PlainModulus& t() const { return t_; }
    /// How many helper primes a product of two ciphertexts of so many parts, 2 or 3, needs at this level.
    [[nodiscard]] std::size_t helper_count(std::size_t limbs, std::size_t parts = 2) const {
        return helper_counts_[parts - 2][limbs - 1];
    }
    /// For a binomial: the values of t(x) modulo data prime i, or helper prime i, in NTT form, n words. They
    /// multiply a product before scaler() does its work.
    [[nodiscard]] const std::uint64_t* data_values(std::size_t i) const { return data_values_.limb(i); }
    [[nodiscard]] const std::uint64_t* helper_values(std::size_t i) const { return helper_values_.limb(i); }
    /// round(t z / Q_l) modulo Q_l, from z modulo Q_l and the helper primes; with drop = 1 (limbs >= 2) also
    /// divided by the last prime, modulo Q_{l-1}. For a binomial round(z / Q_l): t(x) is a factor of z.
    /// parts: of each operand.
    [[nodiscard]] const Scaler& scaler(std::size_t limbs, std::size_t drop = 0, std::size_t parts = 2) const {
        return scalers_[parts - 2][drop][limbs - 1 - drop];
    }

  private:
    PlainModulus t_;
    std::array<std::vector<std::size_t>, 2> helper_counts_;      // [parts - 2][limbs - 1]
    std::array<std::array<std::vector<Scaler>, 2>, 2> scalers_;  // [parts - 2][drop]
    RnsPolynomial data_values_;                                  // t(x) in NTT form
    RnsPolynomial helper_values_;
};

/// All that multiplying ciphertexts of a context needs and nothing else does: only evaluators hold it, so
/// that whoever encrypts and decrypts never computes it. Immutable.
class ProductTables {
  public:
    explicit ProductTables(const Context& context);

    [[nodiscard]] const HelperPrimes& helpers() const { return helpers_; }
    /// Throws Error where the context has no such plaintext modulus.
    [[nodiscard]] const ProductSpace& space(const PlainModulus& t) const;

  private:
    HelperPrimes helpers_;
    std::vector<ProductSpace> spaces_;
};

}  // namespace lacuna
