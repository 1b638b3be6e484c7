// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "he/noise.h"
#include "he/parameters.h"
#include "nn/encrypted_tensor.h"
#include "nn/model.h"
#include "nn/plan.h"

namespace lacuna {

/// A model as the scheme sees it: what each layer does to noise and what it costs, with weights left out.
struct Stage {
    std::size_t layer = 0;
    std::size_t elements = 0;  ///< outputs
    bool linear = true;
    // Linear layers.
    double terms = 0;   ///< monomial products
    double norm_1 = 0;  ///< largest sum of |c| of a row, as the packing encodes the weights
    double norm_2 = 0;
    /// What norm_1 becomes where the inputs are powers x^i, i >= 2, of ciphertexts that are independent, as
    /// non-proportional sums of independent ciphertexts are taken to be (assumption A2 of NoiseModel: each
    /// pair of them is uniform modulo every prime). Their noise is t K_i e_i with K_i = (c_0 + c_1 s) / Q, so
    /// that the variances of a sum add up whatever the e_i share: sqrt(sum w^2), groups of proportional
    /// ciphertexts summed by |w| first.
    double norm_products = 0;
    /// What norm_1 becomes for the part t e_i^2 of the noise of unscaled squares of a linear layer's rows w_i
    /// of fresh ciphertexts: these are quadratic forms in the same fresh noise, and the sum's is that of A =
    /// sum_i a_i w_i w_i^T, so that this is the Frobenius norm of A over the largest |w_i|^2.
    double norm_squares = 0;
    // Activations: the weight of x^i in the packing's encoding, 0 where it is absent.
    std::vector<double> powers;
};

/// The stages of a model in a packing. t: plaintext moduli; weights of the slot packing are taken modulo
/// each.
[[nodiscard]] std::vector<Stage> stages_of(const Model& model, Packing packing,
                                           const std::vector<std::uint64_t>& t);

/// The largest |weight| or |coefficient| of a model. Moduli of more than twice that all have the same stages.
[[nodiscard]] mpz_class largest_weight(const Model& model);

/// The numbers that fix a circuit besides the model.
struct CircuitSetting {
    Parameters parameters;  ///< sizes in bits or primes
    double log_t = 0;       ///< of the largest plaintext modulus
    Packing packing = Packing::slots;
    int privacy_bits = 0;
    bool public_encryption = false;  ///< of the images
    std::size_t moduli = 1;          ///< plaintext moduli: as many replies as that have to be flooded
};

/// Follows noise and cost through the stages and settles every open choice: where to drop limbs (as early and
/// as far as the proof of correct decryption allows), whether a square is relinearised before or after the
/// sum that follows it (whichever costs less), how few limbs the reply needs. Nothing where the noise bound
/// does not let it decrypt.
struct Circuit {
    std::vector<PlanStep> steps;
    double output_budget_bits = 0;
    double reply_budget_bits = 0;
    double log_rounding_bound = 0;  ///< NoiseModel::log_rounding_bound of the reply
    std::size_t reply_limbs = 1;
    bool relinearizes = false;

    [[nodiscard]] double cost() const;
};
[[nodiscard]] std::optional<Circuit> plan_circuit(const std::vector<Stage>& stages,
                                                  const CircuitSetting& setting);

/// The nominal cost of one number-theoretic transform of n words: what a machine's speed is measured against.
[[nodiscard]] double nominal_transform_nanoseconds(std::size_t n);

}  // namespace lacuna
