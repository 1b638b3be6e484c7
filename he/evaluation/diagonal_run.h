// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <vector>

#include <lacuna/he/evaluation/diagonal_product.h>
#include <lacuna/he/evaluation/extended_rotation.h>

namespace lacuna {

/// A product on its way: inputs are transformed and turned by baby steps, and products with diagonals summed
/// for every giant step. GiantSteps or GiantChain go on from there.
class DiagonalProduct::Run {
  protected:
    using Pair = std::array<std::vector<Buffer>, 2>;  // [part][prime], NTT form

    /// Throws Error where a key of a baby step is missing.
    Run(const DiagonalProduct& product, const Ring& ring, std::span<const Ciphertext> inputs,
        const GaloisKeys& keys, int threads, const std::stop_token& stop);
    /// Goes so far.
    void sum_products();

    [[nodiscard]] const Modulus& modulus(std::size_t i) const {
        return ring_.key_basis().modulus(extended_prime(ring_, limbs_, i));
    }
    [[nodiscard]] const NttTables& tables(std::size_t i) const {
        return ring_.key_basis().tables(extended_prime(ring_, limbs_, i));
    }
    /// A sum without any rotation: modulo Q alone.
    Switched unswitched(const Pair* still, Form form) const;

    const DiagonalProduct& product_;
    const Ring& ring_;
    std::span<const Ciphertext> inputs_;
    int threads_;
    const std::stop_token& stop_;
    std::size_t n_;
    std::size_t limbs_;
    std::size_t extended_;
    std::size_t rows_;  // primes that products are taken modulo
    std::vector<ShoupFactor> special_;
    std::vector<Pair> sums_;  // [group]

  private:
    [[nodiscard]] Pair pair(std::size_t primes) const;
    /// The parts of every input, times P where products are modulo Q P, and the digits of those that turn.
    void transform_inputs();
    void rotate_inputs();
    /// Row i of a baby's part; null where it is 0: P c modulo P.
    [[nodiscard]] const std::uint64_t* baby_row(std::size_t b, std::size_t part, std::size_t i) const;
    /// Words begin ... end - 1 modulo extended prime i, block by block: all groups pass over the blocks of
    /// the babies, and a group's diagonals are in the first-level cache for the second part.
    void sum_products(std::size_t i, std::size_t begin, std::size_t end);
    /// A part of a group's sum. babies: their blocks of this part; more: scratch.
    void sum_block(const Group& group, std::size_t i, std::size_t index, const std::uint64_t* babies,
                   std::span<std::uint64_t> out, std::uint64_t* more) const;

    std::vector<const GaloisKeys::Entry*> baby_entries_;              // null where nothing turns
    std::vector<Pair> transformed_;                                   // [input]
    std::vector<std::vector<std::unique_ptr<RaisedDigits>>> digits_;  // [input][prime]
    std::vector<Pair> rotated_;                                       // [baby]
};

}  // namespace lacuna
