// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/rlwe/ring.h>

namespace lacuna {

/// One plaintext ring Z[x]/(x^n + 1, t(x)) over a Ring: the constants that tie t(x) to Q at every level.
class PlaintextSpace {
  public:
    PlaintextSpace(const Ring& ring, const PlainModulus& t);

    [[nodiscard]] const PlainModulus& t() const { return t_; }
    /// The integer t; throws Error where t(x) is a binomial.
    [[nodiscard]] const Modulus& modulus() const;
    /// p of the slots: t itself, or b^(n/k) + 1.
    [[nodiscard]] const mpz_class& slot_modulus() const { return slot_modulus_; }
    /// Whether t is an integer and a prime = 1 mod 2n, so that a plaintext splits into n slots.
    /// BinomialEncoder knows about x^k - b.
    [[nodiscard]] bool batching() const { return batching_.has_value(); }
    /// The transform modulo t; throws Error unless batching().
    [[nodiscard]] const NttTables& batching_tables() const;

    /// Adds round(Q_l m / t(x)) to c, of either form, at the level of c, or subtracts it. With `random`, 2n
    /// uniform words, the sum of two uniform numbers in [-1/2, 1/2) is added to every coefficient before it
    /// is rounded to the nearest integer: then the error's mean is 0 and its variance 1/4 whatever m is
    /// (Lipshitz, Wannamaker, Vanderkooy, "Quantization and Dither: A Theoretical Survey", JAES 40, 1992).
    void add_scaled(const Ring& ring, const Plaintext& m, RnsPolynomial& c, bool subtract,
                    const std::uint64_t* random = nullptr) const;
    /// For an integer t: adds round(Q_l m / t) to the coefficient-form words of limb i at level `limbs`; m: n
    /// words in [0, t).
    /// With `dither`, the same n words in [0, 2t) for every limb, coefficient j is rounded to
    /// floor(Q_l m / t + (dither[j] - floor(t/2)) / t); without, dither is t - 1.
    void add_scaled(const Ring& ring, const std::uint64_t* m, std::size_t limbs, std::size_t i,
                    std::uint64_t* limb, bool subtract = false, const std::uint64_t* dither = nullptr) const;
    /// For an integer t: round(Q_l m / t) modulo q_i for one coefficient m in [0, t).
    [[nodiscard]] std::uint64_t scaled(const Ring& ring, std::uint64_t m, std::size_t limbs,
                                       std::size_t i) const;

    /// Q_l modulo t, for an integer t.
    [[nodiscard]] std::uint64_t q_modulo_t(std::size_t limbs) const { return q_mod_t_[limbs - 1].value; }
    /// Q_l modulo slot_modulus(): what Q_l is modulo t(x), whichever sort that is. An unscaled square carries
    /// the factor -Q_l.
    [[nodiscard]] const mpz_class& q_modulo_slots(std::size_t limbs) const { return q_mod_p_[limbs - 1]; }
    /// round(t(x) z / Q_l) modulo t(x), for z in coefficient form at any level: the end of decryption. For a
    /// binomial the coefficients are at most t().coefficient_bound(), the residue class is right where the
    /// noise leaves a budget of 2^-24 bits.
    [[nodiscard]] Plaintext scaled_to_plain(const Ring& ring, const RnsPolynomial& z) const;

  private:
    void prepare_integer(const Ring& ring);
    void prepare_binomial(const Ring& ring);
    [[nodiscard]] Buffer remainder(const Plaintext& m, std::size_t limbs, const std::uint64_t* random) const;

    PlainModulus t_;
    mpz_class slot_modulus_;
    std::vector<mpz_class> q_mod_p_;            // [limbs - 1]
    std::vector<ScalerToPlain> plain_scalers_;  // [limbs - 1], to t, or to 2^fraction_bits

    // An integer t.
    std::optional<Modulus> modulus_;
    std::optional<NttTables> batching_;
    std::vector<ShoupFactor> q_mod_t_;          // [limbs - 1]: Q_l mod t
    std::vector<ShoupFactor> minus_inverse_t_;  // [i]: -t^-1 mod q_i

    // A binomial.
    struct Digit {
        std::size_t shift = 0;
        std::int64_t value = 0;
    };
    std::vector<std::vector<Digit>> q_digits_;  // [limbs - 1]: Q_l modulo t(x) = sum of value x^shift
    RnsPolynomial minus_inverse_values_;        // -t(x)^-1 modulo every q_i, NTT form
};

/// Validated parameters and everything derived from them; immutable and safe to use from several threads. A
/// context is a value whose copies share the tables behind it: encoders, encryptors, decryptors and
/// evaluators keep a copy, so that the one they were made from may go.
class Context {
  public:
    /// Throws one Error that lists every problem of the parameters, each with what to do.
    explicit Context(const Parameters& parameters, const Kernels& kernels = active_kernels());
    /// Further plaintext moduli over an existing ring and its keys.
    Context(std::shared_ptr<const Ring> ring, const std::vector<std::uint64_t>& plain_moduli,
            const std::vector<PlainModulus>& plain_polynomials = {});

    [[nodiscard]] const Ring& ring() const { return *ring_; }
    [[nodiscard]] const std::shared_ptr<const Ring>& shared_ring() const { return ring_; }
    /// Where keys are made, a context stands for its ring.
    operator std::shared_ptr<const Ring>() const { return ring_; }  // NOLINT(google-explicit-constructor)
    [[nodiscard]] std::size_t n() const { return ring_->n(); }
    [[nodiscard]] std::size_t plain_count() const { return spaces_.size(); }
    [[nodiscard]] const PlaintextSpace& plain(std::size_t index = 0) const { return *shared_plain(index); }
    [[nodiscard]] const std::shared_ptr<const PlaintextSpace>& shared_plain(std::size_t index = 0) const;
    /// The space of modulus t; throws Error where the context has none.
    [[nodiscard]] const PlaintextSpace& plain_for(const PlainModulus& t) const;
    [[nodiscard]] const PlaintextSpace& plain_for(std::uint64_t t) const {
        return plain_for(PlainModulus(t));
    }

  private:
    std::shared_ptr<const Ring> ring_;
    std::vector<std::shared_ptr<const PlaintextSpace>> spaces_;
};

}  // namespace lacuna
