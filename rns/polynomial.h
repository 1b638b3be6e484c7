// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <lacuna/ntt/buffer.h>

namespace lacuna {

/// How a limb's words stand for a polynomial: its coefficients, or its values in the order of NttTables.
enum class Form : std::uint8_t { coefficient = 0, ntt = 1 };

/// A polynomial of Z_Q[x]/(x^n + 1) as residues: limb i holds n words in [0, q_i), for the first limbs()
/// primes of some RnsBasis. One 64-byte aligned buffer, limb after limb.
class RnsPolynomial {
  public:
    RnsPolynomial() = default;
    /// The zero polynomial, which is zero in either form.
    RnsPolynomial(std::size_t n, std::size_t limbs, Form form, Secrecy secrecy = Secrecy::open)
        : n_(n), limbs_(limbs), form_(form), words_(n * limbs, secrecy) {}
    /// Words unspecified; the caller writes them all.
    [[nodiscard]] static RnsPolynomial uninitialised(std::size_t n, std::size_t limbs, Form form,
                                                     Secrecy secrecy = Secrecy::open) {
        RnsPolynomial polynomial;
        polynomial.n_ = n;
        polynomial.limbs_ = limbs;
        polynomial.form_ = form;
        polynomial.words_ = Buffer::uninitialised(n * limbs, secrecy);
        return polynomial;
    }

    [[nodiscard]] std::size_t n() const { return n_; }
    [[nodiscard]] std::size_t limbs() const { return limbs_; }
    [[nodiscard]] Form form() const { return form_; }
    void set_form(Form form) { form_ = form; }
    [[nodiscard]] Secrecy secrecy() const { return words_.secrecy(); }

    [[nodiscard]] std::uint64_t* limb(std::size_t i) { return words_.data() + i * n_; }
    [[nodiscard]] const std::uint64_t* limb(std::size_t i) const { return words_.data() + i * n_; }
    [[nodiscard]] std::span<std::uint64_t> limb_span(std::size_t i) { return {limb(i), n_}; }
    [[nodiscard]] std::span<const std::uint64_t> limb_span(std::size_t i) const { return {limb(i), n_}; }

    /// The first `limbs` limbs: the same polynomial modulo fewer primes.
    [[nodiscard]] RnsPolynomial first_limbs(std::size_t limbs) const;
    /// Becomes that, in its own storage.
    void keep_limbs(std::size_t limbs);
    bool operator==(const RnsPolynomial& other) const;

  private:
    std::size_t n_ = 0;
    std::size_t limbs_ = 0;
    Form form_ = Form::coefficient;
    Buffer words_;
};

}  // namespace lacuna
