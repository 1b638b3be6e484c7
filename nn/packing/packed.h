// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/nn/packing/bounds.h>
#include <lacuna/nn/packing/packed_arrangement.h>

namespace lacuna {

class ExpandedModel;

/// All elements of an image side by side in the slots of one or a few ciphertexts, modulo x^k - b: a layer is
/// a DiagonalProduct. Lowest latency. Several images share these ciphertexts where that is cheaper. What each
/// member is for: nn/packing/slots.h.
class PackedPacking {
  public:
    static constexpr const char* name = "packed";

    // ---- The client's half (nn/packing/packed_client.cpp).

    static constexpr bool hides_circuit = true;
    static constexpr bool has_digits = false;
    /// Of a request, in as many sets of ciphertexts as they need.
    [[nodiscard]] static std::size_t most_images(std::size_t /*n*/) { return 1024; }
    [[nodiscard]] static bool takes(const PlainModulus& t, std::size_t n);
    [[nodiscard]] static std::string what_it_takes(std::size_t n);
    /// The slots of every ciphertext of a set, from the levels of the images in it, one image after the
    /// other.
    [[nodiscard]] static std::vector<std::vector<std::int64_t>> slots_of(
        const PackedArrangement& arrangement, const Shape& shape, std::size_t slots,
        std::span<const std::int64_t> levels);

    // ---- What a plan needs to know (nn/packing/packed.cpp).

    [[nodiscard]] static PackingBounds bounds(const ExpandedModel& model);
    [[nodiscard]] static bool fits(std::size_t /*n*/, const PackingBounds& /*bounds*/,
                                   std::size_t /*classes*/) {
        return true;
    }
    [[nodiscard]] static std::optional<std::string> obstacle(const PackingBounds& bounds,
                                                             std::size_t classes);
    /// x^k - b with the least b that has slots modulo a prime beyond `needed`; none where b would be beyond
    /// max_plain_base, or the prime beyond what encoders take.
    [[nodiscard]] static std::optional<PlainModulus> plain_modulus(std::size_t n, std::size_t k,
                                                                   const mpz_class& needed);
    static constexpr bool squares_unscaled = false;  // products with diagonals leave too much noise
    [[nodiscard]] static bool joins(std::size_t /*elements*/) { return false; }
    /// images: that share a set of ciphertexts.
    [[nodiscard]] static std::string reason(std::size_t batch, std::size_t images);
    static constexpr const char* decoded = "logit";
    [[nodiscard]] static std::optional<std::string> reason_of_degree(std::size_t /*degree*/) {
        return std::nullopt;
    }

    // ---- How integers become terms: their digits in base b.

    [[nodiscard]] static std::vector<Monomial> monomials(const mpz_class& value, const PlainModulus& t,
                                                         std::size_t n);
    [[nodiscard]] static double weight(const mpz_class& value, const PlainModulus& t, std::size_t n);
};

}  // namespace lacuna
