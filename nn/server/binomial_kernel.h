// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna {

struct LinearMap;

/// A linear layer over ciphertexts of one element each modulo x^k - b: a SparseProduct, and its biases as
/// they are added to c_0. A bias has digits at every coefficient once the values carry a factor, and dividing
/// them by t(x) takes a transform, so that is done here, once for every bias that occurs.
class BinomialKernel {
  public:
    /// factor: what the values carry modulo p (value_factors); limbs: their level.
    BinomialKernel(const Context& context, const LinearMap& map, const mpz_class& factor, std::size_t limbs);

    /// Memory of the biases.
    [[nodiscard]] std::size_t bytes() const;
    /// Replaces the values by the layer's outputs. Where a stop is requested it returns early, and the values
    /// are lost.
    void apply(const Context& context, std::vector<Ciphertext>& values, const RunControl& control) const;

  private:
    SparseProduct product_;
    std::vector<RnsPolynomial> biases_;     // those that occur
    std::vector<std::size_t> bias_of_row_;  // its number, or none
};

}  // namespace lacuna
