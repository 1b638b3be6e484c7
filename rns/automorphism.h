// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna {

/// The element whose automorphism undoes that of g: g^-1 modulo 2n, for odd g and n a power of two below
/// 2^31.
[[nodiscard]] std::uint32_t inverse_element(std::size_t n, std::uint32_t g);

/// The ring automorphism x -> x^g of Z[x]/(x^n + 1), g odd in [1, 2n), as a permutation in either form.
class Automorphism {
  public:
    /// Throws Error where g is even or out of range.
    Automorphism(std::size_t n, std::uint32_t element);

    [[nodiscard]] std::uint32_t element() const { return element_; }
    /// out = a(x^g), same form, limbs and secrecy; out may be a.
    void apply(const RnsBasis& basis, const RnsPolynomial& a, RnsPolynomial& out) const;
    /// For n words in NTT form: result[j] = a[index[j]].
    [[nodiscard]] const std::uint32_t* ntt_index() const { return ntt_index_.data(); }

  private:
    std::size_t n_;
    std::uint32_t element_;
    std::uint32_t inverse_;  // modulo 2n
    std::vector<std::uint32_t> ntt_index_;
};

}  // namespace lacuna
