// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/noise.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/packing/diagonal_account.h>

namespace lacuna {

class PackedNetwork;

/// A layer as the scheme sees it: what it does to noise and what it costs, with weights left out.
struct Stage {
    std::size_t layer = 0;
    std::size_t elements = 0;  ///< outputs
    bool linear = true;
    std::size_t constant_coefficients = 1;  ///< most of a constant that is added, see NoiseModel::add_plain
    // Linear layers.
    double terms = 0;  ///< monomial products
    /// Of its rows as the packing encodes the weights.
    ///
    /// `products`: the inputs are powers x^i, i >= 2, of ciphertexts that are independent, as
    /// non-proportional sums of independent ciphertexts are taken to be (assumption A2 of NoiseModel: each
    /// pair of them is uniform modulo every prime). Their noise is t K_i e_i with K_i = (c_0 + c_1 s) / Q, so
    /// that the variances of a sum add up whatever the e_i share: sqrt(sum w^2), groups of proportional
    /// ciphertexts summed by |w| first.
    ///
    /// `squares`, for the part t e_i^2 of the noise of unscaled squares of a linear layer's rows w_i of fresh
    /// ciphertexts: these are quadratic forms in the same fresh noise, and the sum's is that of A = sum_i a_i
    /// w_i w_i^T, so that this is the Frobenius norm of A over the largest |w_i|^2. Where weights are digits
    /// x^(kj), that of the sums of their absolute values (he/fv/noise.md, "Unscaled squares").
    NoiseNorms norms;
    std::optional<DiagonalAccount> diagonals;  ///< instead of the two before, where the packing has diagonals
    // Activations: the weight of x^i in the packing's encoding, 0 where it is absent.
    std::vector<double> powers;

    /// Whether x^i has a weight, for every i.
    [[nodiscard]] std::vector<bool> needed() const;
    /// Whether it ends in a product, x^2 or higher.
    [[nodiscard]] bool ends_in_product() const { return powers.size() > 2 && powers.back() != 0; }
    /// Whether x^1 ... below its highest power have weights.
    [[nodiscard]] bool has_lower_powers() const;
};

/// The stages of a model in a packing. t: plaintext moduli; weights of the slot packing are taken modulo
/// each. Throws Stopped as the model says, as do those below.
[[nodiscard]] std::vector<Stage> stages_of(const ExpandedModel& model, Packing packing,
                                           const std::vector<std::uint64_t>& t);

/// The same modulo x^k - b, in a ring of degree n, with one element a ciphertext.
[[nodiscard]] std::vector<Stage> binomial_stages_of(const ExpandedModel& model, const PlainModulus& t,
                                                    std::size_t n);

/// The largest |weight| or |coefficient| of a model. Moduli of more than twice that all have the same stages.
[[nodiscard]] mpz_class largest_weight(const Model& model);

/// The same under the packed packing, modulo t and in a ring of degree n. Norms of diagonals that the network
/// has not measured are those of random ones of this size.
[[nodiscard]] std::vector<Stage> packed_stages_of(const ExpandedModel& model, const PackedNetwork& network,
                                                  std::size_t n, const PlainModulus& t);

/// The stages of a model whose linear layers were measured before, in another run: their terms and norms, or
/// accounts of diagonals, come from `measured`, everything else from the model. t: plaintext moduli; of
/// binomials the only one, in a ring of degree n. input_ciphertexts: of an image in the packed packing.
/// Throws Error where these are not measures of its layers.
[[nodiscard]] std::vector<Stage> stages_again(const ExpandedModel& model, Packing packing, std::size_t n,
                                              const std::vector<PlainModulus>& t,
                                              std::span<const Stage> measured, std::size_t input_ciphertexts);

}  // namespace lacuna
