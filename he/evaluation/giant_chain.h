// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <lacuna/he/evaluation/diagonal_run.h>

namespace lacuna {

/// Giant steps that are chained: each sum joins what has been turned so far.
class DiagonalProduct::GiantChain : private DiagonalProduct::Run {
  public:
    GiantChain(const DiagonalProduct& product, const Ring& ring, std::span<const Ciphertext> inputs,
               const GaloisKeys& keys, int threads, const std::stop_token& stop);

    /// Horner's rule: sums join from the largest giant step down, each turned with those before it.
    [[nodiscard]] Ciphertext output(std::size_t o);

  private:
    /// `turned` rotated, plus a sum, divided by P once; either may be missing.
    Switched join(const std::optional<Switched>& turned, const GaloisKeys::Entry* entry, const Pair* sum);
    /// A sum's row modulo Q P, to out or added to it.
    void add_sum(const Pair* sum, std::size_t part, std::size_t i, detail::Rows& rows, std::uint64_t* out,
                 bool accumulate);

    std::vector<std::vector<const GaloisKeys::Entry*>> entries_;  // [output][link], null where nothing turns
};

}  // namespace lacuna
