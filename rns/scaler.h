// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/ntt/kernels.h>
#include <lacuna/ntt/modulus.h>
#include <lacuna/rns/base_converter.h>
#include <lacuna/rns/fixed_fractions.h>

namespace lacuna {

/// Scale and round in residues: z -> round(t z / (Q D)) modulo the first L - d of q_0 ... q_{L-1}, where D is
/// the product of the last d: the end of an FV product (Halevi, Polyakov, Shoup, ePrint 2018/117,
/// section 2.3, but straight into Q) and, for d > 0, a modulus switch by the same rounding. z is known modulo
/// Q = q_0 ... q_{L-1} and modulo P = p_0 ... p_{K-1}, |z| < (1 - 2^-40) QP/2. With m_i over the q's and p's,
/// y_i = [z_i (QP/m_i)^-1]_{m_i} and z = sum_i y_i QP/m_i - v QP,
///     t z / (Q D) = sum_i y_i t P/(m_i D) - v t P/D,
/// and every factor is split into an integer, applied modulo q_j, and a fraction in [0, 1), all fractions
/// rounded together. P need only exceed the product's growth, not t: the rounded value is never represented
/// modulo P, which saves a prime, with its transforms, against scaling into P and converting back. v and the
/// fractions are 104-bit fixed point: the result is the exact rounding, off by one only where the value lies
/// within 1.25 (L + K + 1) 2^-52 of a half-integer.
class Scaler {
  public:
    /// q and p pairwise coprime, at most 60 moduli together; t > 0; drop < the number of q's.
    Scaler(std::span<const Modulus> q, std::span<const Modulus> p, const mpz_class& t, std::size_t drop,
           const Kernels& kernels);

    /// (QP/m_i)^-1 mod m_i: scale() takes y_i, not z_i, because the inverse transform that makes z can
    /// multiply by a constant for nothing (NttTables::inverse).
    [[nodiscard]] std::uint64_t factor(std::size_t i) const { return factors_[i]; }

    /// y: L + K rows, the q's first; out: L - d rows; n words each, n a multiple of 16. No out[j] may be a
    /// y[i].
    void scale(std::span<const std::uint64_t* const> y, std::span<std::uint64_t* const> out,
               std::size_t n) const;

  private:
    const Kernels* kernels_;
    std::vector<Modulus> moduli_;  // q's, then p's
    std::size_t out_count_;
    std::size_t fraction_count_;          // rows that have a fraction, the first ones
    std::vector<std::uint64_t> factors_;  // (QP/m_i)^-1 mod m_i
    FixedFractions reciprocals_;          // 1/m_i
    FixedFractions fractions_;            // of t P/(m_i D) for every i, then of -t P/D
    // [j]: the integers for every m_i, for v, then 1; prepared.
    std::vector<std::vector<std::uint64_t>> weights_;
};

/// round(t z / Q) modulo t, for z known modulo Q alone: the last step of decryption. t must be coprime to Q.
class ScalerToPlain {
  public:
    ScalerToPlain(std::span<const Modulus> q, const Modulus& t, const Kernels& kernels);

    void scale(std::span<const std::uint64_t* const> z, std::uint64_t* out, std::size_t n) const;

  private:
    const Kernels* kernels_;
    std::vector<Modulus> q_;
    Modulus t_;
    std::vector<ShoupFactor> inverse_;    // (Q/q_i)^-1 mod q_i
    FixedFractions fractions_;            // frac(t/q_i)
    std::vector<std::uint64_t> weights_;  // prepared: floor(t/q_i) mod t for every i, then 1
};

/// z -> round(z / D) for the product D of the last limbs: z - [z]_D (centred) is divisible by D, so each kept
/// limb becomes (z_k - [z]_D) D^-1. Modulus switching (D a data prime) and the end of key switching (D the
/// special primes).
class Divider {
  public:
    Divider(std::span<const Modulus> dropped, std::span<const Modulus> kept, const Kernels& kernels);

    /// kept[k] is replaced by the result modulo kept modulus k; a shorter `kept` leaves the last moduli out.
    /// n a multiple of 16.
    void divide(std::span<const std::uint64_t* const> dropped, std::span<std::uint64_t* const> kept,
                std::size_t n) const;

  private:
    const Kernels* kernels_;
    std::vector<Modulus> kept_;
    BaseConverter converter_;
    std::vector<ShoupFactor> inverse_;  // D^-1 modulo the kept moduli
};

}  // namespace lacuna
