// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/fv/radix_encoder.h>
#include <lacuna/nn/packing/bounds.h>
#include <lacuna/nn/packing/sparse_layer.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

class ExpandedModel;
struct LinearMap;

/// One element a ciphertext, a single image as digit polynomials in base 2 (Faster CryptoNets): a weight is
/// the sum of its signed digits +-x^k. What each member is for: nn/packing/slots.h.
class RadixPacking {
  public:
    static constexpr const char* name = "radix";

    // ---- The client's half (nn/packing/radix_client.cpp).

    static constexpr bool hides_circuit = false;  // the polynomial says more than its value at 2
    static constexpr bool has_digits = true;
    [[nodiscard]] static std::size_t most_images(std::size_t /*n*/) { return 1; }
    [[nodiscard]] static bool takes(std::uint64_t t, std::size_t n);
    [[nodiscard]] static std::string what_it_takes(std::size_t n);

    class Encoder {
      public:
        Encoder(const Context& context, std::size_t plain_index)
            : encoder_(context, plain_index), modulus_(context.plain(plain_index).modulus()) {}
        /// levels: of one image.
        [[nodiscard]] Plaintext encode(std::span<const std::int64_t> levels) const;
        /// A word a coefficient, centred.
        [[nodiscard]] std::vector<std::int64_t> decode(const Plaintext& plaintext) const;

      private:
        RadixEncoder encoder_;
        Modulus modulus_;
    };
    [[nodiscard]] static mpz_class logit(const std::function<mpz_class(std::size_t)>& word,
                                         std::size_t position, std::size_t image, std::size_t coefficients);

    // ---- What a plan needs to know (nn/packing/radix.cpp).

    [[nodiscard]] static PackingBounds bounds(const ExpandedModel& model);
    [[nodiscard]] static bool fits(std::size_t n, const PackingBounds& bounds, std::size_t classes);
    [[nodiscard]] static std::optional<std::string> obstacle(const PackingBounds& bounds,
                                                             std::size_t classes);
    [[nodiscard]] static std::vector<std::uint64_t> plain_moduli(std::size_t n, std::size_t count,
                                                                 const mpz_class& needed);
    static constexpr bool squares_unscaled = false;
    [[nodiscard]] static bool joins(std::size_t elements) { return elements > 1; }
    [[nodiscard]] static std::string reason(std::size_t n, std::size_t batch);
    static constexpr const char* decoded = "coefficient of a logit";
    [[nodiscard]] static std::optional<std::string> reason_of_degree(std::size_t degree);

    // ---- How integers become terms.

    /// The digits of the non-adjacent form.
    [[nodiscard]] static std::vector<Monomial> monomials(const mpz_class& value, const Modulus& t);
    /// The number of those digits.
    [[nodiscard]] static double weight(const mpz_class& value, const std::vector<std::uint64_t>& moduli);
    [[nodiscard]] static double weight(std::int64_t value, const std::vector<std::uint64_t>& moduli);
    [[nodiscard]] static double terms(std::int64_t value, const std::vector<std::uint64_t>& moduli) {
        return weight(value, moduli);
    }
    [[nodiscard]] static std::size_t coefficients(const mpz_class& constant,
                                                  const std::vector<std::uint64_t>& moduli,
                                                  bool /*carries_factor*/) {
        return std::max<std::size_t>(1, static_cast<std::size_t>(weight(constant, moduli)));
    }
    [[nodiscard]] static bool keeps_integers(std::uint64_t /*magnitude*/,
                                             const std::vector<std::uint64_t>& /*moduli*/) {
        return true;
    }
    [[nodiscard]] static SparseProduct compile(const LinearMap& map, std::size_t n, const Modulus& t,
                                               std::uint64_t factor);
};

}  // namespace lacuna
