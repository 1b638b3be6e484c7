// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/ntt/gmp_words.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

/// log2(x) of any x > 0, however large.
[[nodiscard]] double log2_of(const mpz_class& x);

/// Distinct NTT primes q_0 ... q_{L-1} over one ring degree n, with their transforms: a residue number system
/// for Z_Q[x]/(x^n + 1), Q = q_0 ... q_{L-1}. Immutable; copies share their tables.
class RnsBasis {
  public:
    RnsBasis() = default;
    /// Throws Error where a modulus does not fit n or occurs twice.
    RnsBasis(std::size_t n, std::span<const std::uint64_t> primes, const Kernels& kernels = active_kernels());

    [[nodiscard]] std::size_t n() const { return n_; }
    [[nodiscard]] std::size_t size() const { return tables_.size(); }
    [[nodiscard]] const NttTables& tables(std::size_t i) const { return *tables_[i]; }
    [[nodiscard]] const Modulus& modulus(std::size_t i) const { return tables_[i]->modulus(); }
    [[nodiscard]] const Kernels& kernels() const { return tables_.front()->kernels(); }
    [[nodiscard]] mpz_class product() const;

    /// The first `count` primes.
    [[nodiscard]] RnsBasis prefix(std::size_t count) const { return slice(0, count); }
    [[nodiscard]] RnsBasis slice(std::size_t begin, std::size_t end) const;
    /// These primes, then those of `other`.
    [[nodiscard]] RnsBasis joined(const RnsBasis& other) const;

  private:
    std::size_t n_ = 0;
    std::vector<std::shared_ptr<const NttTables>> tables_;
};

/// The Chinese remainder theorem in exact arithmetic: residues modulo coprime m_0 ... m_{L-1} <-> integers
/// modulo their product M. For set-up and tests; hot paths use BaseConverter and Scaler.
class Crt {
  public:
    explicit Crt(std::span<const std::uint64_t> moduli);
    explicit Crt(const RnsBasis& basis);

    [[nodiscard]] const mpz_class& product() const { return product_; }
    /// The integer in [0, M) with these residues.
    [[nodiscard]] mpz_class compose(std::span<const std::uint64_t> residues) const;
    /// The integer in (-M/2, M/2] with these residues.
    [[nodiscard]] mpz_class compose_centred(std::span<const std::uint64_t> residues) const;
    /// Residues in [0, m_i) of any integer.
    [[nodiscard]] std::vector<std::uint64_t> decompose(const mpz_class& x) const;

  private:
    std::vector<mpz_class> moduli_;
    std::vector<mpz_class> weights_;  // 1 modulo m_i, 0 modulo the others
    mpz_class product_ = 1;
};

}  // namespace lacuna
