// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <lacuna/he/evaluation/diagonal_run.h>

namespace lacuna {

/// Giant steps that do not wait for each other: each sum is turned, and all of an output are divided once.
class DiagonalProduct::GiantSteps : private DiagonalProduct::Run {
  public:
    GiantSteps(const DiagonalProduct& product, const Ring& ring, std::span<const Ciphertext> inputs,
               const GaloisKeys& keys, int threads, const std::stop_token& stop);

    [[nodiscard]] Ciphertext output(std::size_t o);
    /// Before its division, see DiagonalProduct::partial_sums().
    [[nodiscard]] Ciphertext partial_sum(std::size_t o);

  private:
    /// The sums of products of one output: those that a giant rotation turns, and the one that none does.
    struct Parts {
        std::vector<std::size_t> turning;  // groups
        const Pair* still = nullptr;
    };
    [[nodiscard]] Parts parts_of(std::size_t o) const;
    /// The part that giant rotations switch, divided by P. The other one is turned as it is.
    void divide_giants();
    /// Modulo Q P. coefficients: its form; else NTT form.
    ExtendedPair sum_of(const Parts& parts, bool coefficients);
    /// Every pieces-th giant rotation from number `piece` on, modulo extended prime i.
    void accumulate(std::size_t piece, std::size_t pieces, std::size_t i,
                    const std::vector<std::size_t>& turning, const Pair* still, ExtendedPair& sum);

    std::vector<const GaloisKeys::Entry*> entries_;  // [group], null where nothing turns
    std::vector<RnsPolynomial> switched_;            // [group], coefficient form
};

}  // namespace lacuna
