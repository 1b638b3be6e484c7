// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/nn/packing/bounds.h>
#include <lacuna/nn/packing/sparse_layer.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

class ExpandedModel;
struct LinearMap;

/// One element a ciphertext, a batch of images in its slots (CryptoNets): a weight is a scalar.
class SlotsPacking {
  public:
    static constexpr const char* name = "slots";

    // ---- The client's half (nn/packing/slots_client.cpp).

    /// Whether a reply can be flooded to say nothing but the answer.
    static constexpr bool hides_circuit = true;
    /// Whether a logit is several words: the digits of a polynomial.
    static constexpr bool has_digits = false;
    [[nodiscard]] static std::size_t most_images(std::size_t n) { return n; }
    /// Whether t can be the plaintext modulus, and what can.
    [[nodiscard]] static bool takes(std::uint64_t t, std::size_t n);
    [[nodiscard]] static std::string what_it_takes(std::size_t n);

    /// Between the levels of one element and a plaintext, for one plaintext modulus of a context.
    class Encoder {
      public:
        Encoder(const Context& context, std::size_t plain_index) : encoder_(context, plain_index) {}
        /// levels: a word an image.
        [[nodiscard]] Plaintext encode(std::span<const std::int64_t> levels) const;
        /// A word a slot, centred.
        [[nodiscard]] std::vector<std::int64_t> decode(const Plaintext& plaintext) const;

      private:
        BatchEncoder encoder_;
    };
    /// The logit of an image whose words begin at `position`. word(i): the integer that decoded words i stand
    /// for; coefficients: ClientPlan::reply_coefficients.
    [[nodiscard]] static mpz_class logit(const std::function<mpz_class(std::size_t)>& word,
                                         std::size_t position, std::size_t image, std::size_t coefficients);

    // ---- What a plan needs to know (nn/packing/slots.cpp).

    [[nodiscard]] static PackingBounds bounds(const ExpandedModel& model);
    /// Whether a ring of degree n has room.
    [[nodiscard]] static bool fits(std::size_t n, const PackingBounds& bounds, std::size_t classes);
    /// Why no ring has, where that is so.
    [[nodiscard]] static std::optional<std::string> obstacle(const PackingBounds& bounds,
                                                             std::size_t classes);
    /// `count` plaintext moduli whose product exceeds `needed`; empty where there are none.
    [[nodiscard]] static std::vector<std::uint64_t> plain_moduli(std::size_t n, std::size_t count,
                                                                 const mpz_class& needed);
    /// Whether Evaluator::square_unscaled is proven: sums of fresh ciphertexts have scalar weights.
    static constexpr bool squares_unscaled = true;
    /// Whether the logits are to be joined in one ciphertext.
    [[nodiscard]] static bool joins(std::size_t /*elements*/) { return false; }
    /// Lines of the plan's explanation.
    [[nodiscard]] static std::string reason(std::size_t n, std::size_t batch);
    static constexpr const char* decoded = "logit";
    [[nodiscard]] static std::optional<std::string> reason_of_degree(std::size_t /*degree*/) {
        return std::nullopt;
    }

    // ---- How integers become terms.

    /// The terms of an integer modulo t: one constant, centred, or none.
    [[nodiscard]] static std::vector<Monomial> monomials(const mpz_class& value, const Modulus& t);
    /// The weight of an integer in noise, the largest over the moduli: its centred residue.
    [[nodiscard]] static double weight(const mpz_class& value, const std::vector<std::uint64_t>& moduli);
    /// The same for a weight of a linear layer, of which there may be millions.
    [[nodiscard]] static double weight(std::int64_t value, const std::vector<std::uint64_t>& moduli);
    /// Monomial products for a weight of a linear layer.
    [[nodiscard]] static double terms(std::int64_t /*value*/, const std::vector<std::uint64_t>& /*moduli*/) {
        return 1;
    }
    /// Of the rounding error of a constant that is added, at least 1: those that are not next to 0.
    /// carries_factor: whether it may be multiplied by a factor of unscaled squares first.
    [[nodiscard]] static std::size_t coefficients(const mpz_class& /*constant*/,
                                                  const std::vector<std::uint64_t>& /*moduli*/,
                                                  bool /*carries_factor*/) {
        return 1;
    }
    /// Whether integers up to this magnitude are their own centred residues.
    [[nodiscard]] static bool keeps_integers(std::uint64_t magnitude,
                                             const std::vector<std::uint64_t>& moduli);
    /// A linear layer, its biases times `factor`, as all values of its output carry it (value_factors).
    [[nodiscard]] static SparseProduct compile(const LinearMap& map, std::size_t n, const Modulus& t,
                                               std::uint64_t factor);
};

}  // namespace lacuna
