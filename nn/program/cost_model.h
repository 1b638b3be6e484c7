// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/nn/packing/diagonal_account.h>

namespace lacuna {

/// The nominal cost of one number-theoretic transform of n words: what a machine's speed is measured against.
[[nodiscard]] double nominal_transform_nanoseconds(std::size_t n);

/// What homomorphic operations cost in nominal nanoseconds, measured once with the AVX-512 kernel on one core
/// at 4.2 GHz. Only their ratios matter to the planner's choices; `lacuna plan` rescales the sum to the
/// machine it runs on. limbs: the level of the operands.
class CostModel {
  public:
    /// parameters: as resolve() returns them, or with sizes in bits only.
    explicit CostModel(const Parameters& parameters);

    [[nodiscard]] double multiply(std::size_t limbs, bool square) const;
    [[nodiscard]] double square_unscaled(std::size_t limbs) const;
    [[nodiscard]] double relinearize(std::size_t limbs) const;
    /// terms: monomial products.
    [[nodiscard]] double linear(double terms, std::size_t size, std::size_t limbs) const;
    /// A DiagonalProduct and the sums of rotations behind it.
    [[nodiscard]] double diagonals(const DiagonalAccount& account, std::size_t limbs) const;
    [[nodiscard]] double mod_switch(std::size_t size, std::size_t limbs) const;
    /// Shares of zero, encoded and added.
    [[nodiscard]] double mask() const;
    [[nodiscard]] double flood(std::size_t limbs) const;

  private:
    [[nodiscard]] double convert(double from, double to) const;

    double n_;
    double special_;
    std::size_t digit_limbs_;
    double transform_;
    std::vector<double> log_data_;
};

}  // namespace lacuna
