// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/evaluation/diagonal_product.h>
#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/keys.h>
#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/run_control.h>

namespace lacuna {

/// Where the elements of a tensor are: at their places, wherever these have copies, in each of the images
/// that share the ciphertexts.
struct PackedPlaces {
    std::span<const Place> places;
    const Repeats& copies;
    std::size_t images = 1;
};

/// A linear layer of the packed packing, prepared: diagonals, sums of rotations, biases.
class PackedKernel {
  public:
    /// bias: of every output, at its places.
    struct Outputs {
        std::span<const mpz_class> bias;
        PackedPlaces places;
    };
    /// limbs: the level of the inputs.
    PackedKernel(const Context& context, const BinomialEncoder& encoder, const PackedLayer& layer,
                 const Outputs& outputs, std::size_t limbs, int threads);
    /// A part of it: the giant steps that these numbers name (giant_groups()). first: whether this rank has
    /// all outputs afterwards, and so also folds and biases; others have the outputs of their giant steps.
    PackedKernel(const Context& context, const BinomialEncoder& encoder, const PackedLayer& layer,
                 const Outputs& outputs, std::size_t limbs, std::span<const std::uint32_t> groups, bool first,
                 int threads);

    /// Whether its giant steps wait for each other, so that there are no parts.
    [[nodiscard]] bool chained() const { return product_.chained(); }
    /// Of the prepared diagonals and biases.
    [[nodiscard]] std::size_t bytes() const;
    /// Replaces a set of ciphertexts by that of the next step. Throws Error where a key is missing.
    void apply(const Context& context, std::vector<Ciphertext>& values, const GaloisKeys& keys,
               const RunControl& control) const;

    /// A part's sums, see DiagonalProduct::partial_sums().
    [[nodiscard]] std::vector<Ciphertext> partial_sums(const Context& context,
                                                       std::span<const Ciphertext> values,
                                                       const GaloisKeys& keys,
                                                       const RunControl& control) const;
    /// From the sums of all parts, of all outputs, to the next step. On the first rank.
    void finish(const Context& context, std::vector<Ciphertext>& sums, const GaloisKeys& keys,
                const RunControl& control) const;

  private:
    void fold(const Context& context, std::vector<Ciphertext>& values, const GaloisKeys& keys,
              const RunControl& control) const;

    DiagonalProduct product_;
    std::vector<std::size_t> outputs_;  // of partial_sums()
    std::vector<std::vector<int>> folds_;
    std::vector<std::optional<RnsPolynomial>> bias_;  // [output]: what c_0 grows by; none for 0
};

/// A plaintext with these values at their places of ciphertext `index`; none where all of them are 0.
[[nodiscard]] std::optional<Plaintext> packed_plaintext(const BinomialEncoder& encoder,
                                                        std::span<const mpz_class> values,
                                                        const PackedPlaces& places, std::size_t index);

}  // namespace lacuna
