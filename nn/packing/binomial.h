// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/nn/packing/bounds.h>
#include <lacuna/rns/sparse_map.h>

namespace lacuna {

class ExpandedModel;
struct LinearMap;
struct WeightMatrix;

/// A plaintext ring Z[x]/(x^n + 1, x^k - b).
struct BinomialRing {
    PlainModulus t;
    std::size_t n = 0;
};

/// One element a ciphertext, modulo x^k - b. With k > 1 a batch of images shares its k slots: the slots
/// packing for batches below n. With x - 2 a ciphertext holds one number modulo 2^n + 1 as its digits: the
/// radix packing without its limits, since digits carry and their number says nothing. A weight is the sum of
/// its digits base b, d_j x^(kj), so that noise grows with digits; +-2^k in radix is +-x^k. What each member
/// is for: nn/packing/slots.h.
class BinomialPacking {
  public:
    /// power: k.
    explicit BinomialPacking(std::size_t power) : name(power == 1 ? "radix" : "slots"), power_(power) {}

    const char* name;

    // ---- The client's half (nn/packing/binomial_client.cpp).

    static constexpr bool hides_circuit = true;
    static constexpr bool has_digits = false;
    [[nodiscard]] std::size_t most_images(std::size_t /*n*/) const { return power_; }
    [[nodiscard]] bool takes(const PlainModulus& t, std::size_t n) const;
    [[nodiscard]] std::string what_it_takes(std::size_t n) const;
    /// The numbers that were joined in one modulo 2^n + 1, number i times 2^(i stride), each below
    /// 2^(stride - 1) in absolute value.
    [[nodiscard]] static std::vector<mpz_class> parted(mpz_class joined, std::size_t count,
                                                       std::size_t stride);

    // ---- What a plan needs to know (nn/packing/binomial.cpp).

    [[nodiscard]] static PackingBounds bounds(const ExpandedModel& model);
    [[nodiscard]] bool fits(std::size_t n, const PackingBounds& bounds, std::size_t classes) const;
    [[nodiscard]] std::optional<std::string> obstacle(const PackingBounds& bounds, std::size_t classes) const;
    /// x^k - b with the least b that holds `needed`; none where there is no such b.
    [[nodiscard]] std::optional<PlainModulus> plain_modulus(std::size_t n, const mpz_class& needed) const;
    /// he/fv/noise.md, "Unscaled squares": rows of digits, too.
    static constexpr bool squares_unscaled = true;
    /// Modulo x - 2 the logits are digits of one number.
    [[nodiscard]] bool joins(std::size_t elements) const { return power_ == 1 && elements > 1; }
    /// Digits from one joined logit to the next.
    [[nodiscard]] static std::size_t stride(const PackingBounds& bounds);
    [[nodiscard]] std::string reason(std::size_t n, std::size_t batch) const;
    static constexpr const char* decoded = "logit";
    [[nodiscard]] static std::optional<std::string> reason_of_degree(std::size_t /*degree*/) {
        return std::nullopt;
    }

    // ---- How integers become terms: digits base b.

    /// Modulo p where they would not fit.
    [[nodiscard]] static std::vector<Monomial> monomials(std::int64_t value, const BinomialRing& ring);
    /// Any integer modulo p, balanced digits.
    [[nodiscard]] static std::vector<Monomial> monomials(const mpz_class& value, const BinomialRing& ring);
    /// The same as a plaintext, equal in all slots.
    [[nodiscard]] static Plaintext constant(const mpz_class& value, const BinomialRing& ring);
    /// The sum of |digits|.
    [[nodiscard]] static double weight(std::int64_t value, const BinomialRing& ring);
    [[nodiscard]] static double weight(const mpz_class& value, const BinomialRing& ring);
    [[nodiscard]] static double terms(std::int64_t value, const BinomialRing& ring);
    [[nodiscard]] static std::size_t coefficients(const mpz_class& constant, const BinomialRing& ring,
                                                  bool carries_factor);
    [[nodiscard]] static bool keeps_integers(std::uint64_t magnitude, const BinomialRing& ring);
    /// The rows of a linear layer.
    [[nodiscard]] static std::vector<std::vector<SparseTerm>> rows(const WeightMatrix& weights,
                                                                   const BinomialRing& ring);

  private:
    std::size_t power_;
};

}  // namespace lacuna
