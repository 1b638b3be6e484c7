// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/rns/sparse_map.h>

namespace lacuna {

/// A sparse matrix of monomials applied to a vector of ciphertexts, with a sparse plaintext added to every
/// row:
///     y_j = sum_i c_ji x^k_ji ct_i + bias_j,
/// as one fused pass over the ciphertexts (SparseMap), not a loop over evaluator calls. Where c = +-2^s a
/// term costs shifts and adds alone. A layer of a network is one of these.
class SparseProduct {
  public:
    /// rows: for each output its terms; coefficients are integers and are used as they are, not modulo t.
    /// bias: for each output its terms, or empty for none at all. Throws Error where something is out of
    /// range.
    SparseProduct(std::size_t n, std::size_t inputs, std::vector<std::vector<SparseTerm>> rows,
                  std::vector<std::vector<Monomial>> bias = {});

    [[nodiscard]] const SparseMap& map() const { return map_; }
    [[nodiscard]] std::size_t inputs() const { return map_.inputs(); }
    [[nodiscard]] std::size_t outputs() const { return map_.outputs(); }
    /// The largest sum of |c| of a row, and the largest root of the sum of c^2: what NoiseModel::linear
    /// wants.
    [[nodiscard]] double norm_1() const { return norm_1_; }
    [[nodiscard]] double norm_2() const { return norm_2_; }

    /// Inputs share ring, t, level, size (2 to 5) and form; NTT form where every exponent is 0. A row without
    /// terms gives its bias in the form of a ciphertext, but not encrypted: anybody can read it.
    [[nodiscard]] std::vector<Ciphertext> apply(const Context& context, std::span<const Ciphertext> inputs,
                                                int threads = 1) const;

    /// The same, in place of its inputs: their storage holds the results, which saves the memory of one
    /// layer. Where a stop is requested it returns early, and the values are lost.
    void transform(const Context& context, std::vector<Ciphertext>& values, int threads = 1,
                   const std::stop_token& stop = {}) const;

  private:
    void check(const Context& context, std::span<const Ciphertext> inputs) const;
    [[nodiscard]] std::vector<Ciphertext> blank_outputs(const Ciphertext& model) const;
    void run(const Context& context, std::span<const Ciphertext> inputs, std::span<Ciphertext> outputs,
             int threads, const std::stop_token& stop) const;

    SparseMap map_;
    std::vector<std::vector<Monomial>> bias_;
    double norm_1_ = 0;
    double norm_2_ = 0;
};

}  // namespace lacuna
