// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include <lacuna/he/fv/diagonal_norms.h>
#include <lacuna/he/fv/parameters.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/rlwe/noise_factors.h>
#include <lacuna/he/rlwe/noise_tail.h>

namespace lacuna {

/// How the same noise term of several ciphertexts adds up in a sum over them.
enum class NoiseRelation {
    independent,  ///< fresh errors: variances add
    products,     ///< each has a random factor of its own: variances add where these are independent
    squares,      ///< t e^2 of fresh errors e: quadratic forms in one vector of errors
    common,       ///< nothing is known: deviations add
};

/// A random part of a ciphertext's noise.
struct NoiseTerm {
    double log_sigma = 0;  ///< log2 of the root of a coefficient's mean square, for accepted secrets
    NoiseFactors factors;  ///< of the product, but for the polynomial that it is linear in
    int secret_power = 0;  ///< it is weighted with u(zeta)^secret_power (SecretBound)
    NoiseRelation relation = NoiseRelation::common;
    bool identical = false;  ///< its coefficients are independent and identically distributed
    bool square = false;     ///< t e^2 of an unscaled square: quadratic in fresh errors, no other factor
    /// 0 where it is linear in an error of its own; where it has none, the power of the factor K that it ends
    /// in.
    std::size_t own_power = 0;
};

/// What is known of a ciphertext's noise without its key: a sum of random terms and a certain one.
struct NoiseEstimate {
    std::vector<NoiseTerm> terms;
    double log_certain = -std::numeric_limits<double>::infinity();      ///< log2 of the largest coefficient
    double log_certain_sum = -std::numeric_limits<double>::infinity();  ///< and of sum |coefficient|
    std::size_t limbs = 0;                                              ///< its level
    std::size_t size = 2;                                               ///< its number of parts
    int products = 0;    ///< multiplications in sequence behind it
    bool final = false;  ///< flooded: nothing is known of a product of it

    /// log2 of the sum of the terms' deviations.
    [[nodiscard]] double log_sigma() const;
    /// The highest power of the secret's weight in a term.
    [[nodiscard]] int secret_power() const;
};

/// The weights of a row of a linear layer, as a sum over its inputs: what each NoiseRelation multiplies by.
struct NoiseNorms {
    double sum = 0;          ///< sum |w|
    double independent = 0;  ///< sqrt(sum w^2)
    double products = 0;
    double squares = 0;
};

/// Predicts noise from the circuit alone. The noise of c_0 + c_1 s + ... = Q m / t + e (mod Q) is followed as
/// a sum of terms, each a product of random polynomials and linear in the last of them. log_bound() is a
/// bound of every coefficient that fails with probability at most 2^-128 over all coefficients of all replies
/// of a request, under three assumptions:
///
///   (A1) the parts c_0, c_1 of a ciphertext that enters a product, and the digits that enter key switching,
///        are distributed as independent uniform polynomials, independent of the noise in the ciphertext;
///   (A2) where a sum is said to be of independent ciphertexts (NoiseNorms::products), they are;
///   (A3) what comes of a sum of rotated products enters the next product as if its embeddings were
///        independent.
///
/// Nothing is assumed of messages, and of the secret only what key generation checked (SecretBound). Theorem,
/// proof, what each formula below comes from, and what was measured: he/fv/noise.md.
class NoiseModel {
  public:
    /// parameters: as resolve() returns them, or with sizes in bits only; t: the plaintext modulus, or its
    /// size; ciphertexts: of a reply, over all plaintext moduli, that have to decrypt at once.
    NoiseModel(const Parameters& parameters, double log_t, std::size_t ciphertexts = 1);

    [[nodiscard]] NoiseEstimate fresh_symmetric() const;
    [[nodiscard]] NoiseEstimate fresh_public() const;

    [[nodiscard]] NoiseEstimate add(const NoiseEstimate& a, const NoiseEstimate& b) const;
    /// Adding a plaintext of that many coefficients that are not 0 (0: any): the rounding of Q m / t.
    [[nodiscard]] NoiseEstimate add_plain(const NoiseEstimate& a, std::size_t coefficients = 0) const;
    /// One ciphertext times an integer or a sum of monomials, weight = sum |w|.
    [[nodiscard]] NoiseEstimate scale(const NoiseEstimate& a, double weight) const;
    /// A sum of ciphertexts like a with integer or monomial weights, norm = sum |w|. For fresh encryptions,
    /// whose noises are independent, norm = sqrt(sum w^2) may be given instead.
    [[nodiscard]] NoiseEstimate linear(const NoiseEstimate& a, double norm) const;
    /// The same where more is known of the sum: each term grows as its relation says.
    [[nodiscard]] NoiseEstimate linear(const NoiseEstimate& a, const NoiseNorms& norms) const;
    /// A dense plaintext whose centred coefficients have this norm: spectral_norm(), or any bound of it such
    /// as sum |w|.
    [[nodiscard]] NoiseEstimate multiply_plain(const NoiseEstimate& a, double norm) const;
    [[nodiscard]] NoiseEstimate multiply(const NoiseEstimate& a, const NoiseEstimate& b) const;
    /// t e^2 and what it holds of certain parts, for a fresh symmetric encryption, or a sum of such with
    /// integer or monomial weights, and constants added to it. An Error for anything else: products with
    /// dense plaintexts, products, keys' noise, other levels than the top.
    [[nodiscard]] NoiseEstimate square_unscaled(const NoiseEstimate& a) const;
    /// The errors of key switching are taken as independent of the noise that is there, as they are unless
    /// the same part was switched before (p + relinearize(p), relinearised, is not modelled).
    [[nodiscard]] NoiseEstimate relinearize(const NoiseEstimate& a) const;
    [[nodiscard]] NoiseEstimate rotate(const NoiseEstimate& a) const;
    /// A sum of `count` rotations times plaintexts of norm at most `norm` each, as multiply_plain takes it.
    [[nodiscard]] NoiseEstimate sum_of_rotated_products(const NoiseEstimate& a, std::size_t count,
                                                        double norm) const;
    [[nodiscard]] NoiseEstimate mod_switch_to(const NoiseEstimate& a, std::size_t limbs) const;
    /// Noise that is certain to have coefficients of at most 2^log_bound, whatever it depends on; the result
    /// may be switched and decrypted, not multiplied.
    [[nodiscard]] NoiseEstimate add_certain(const NoiseEstimate& a, double log_bound) const;

    // What the layers of a network do to noise (he/fv/noise_of_layers.cpp), in terms of the above.

    /// An activation c_0 + c_1 x + ... + c_d x^d whose last product x^d drops a prime q in its own rounding,
    /// while the sum of the other terms is divided by q separately. a: the polynomial as it would be without
    /// that. roundings: |c_d|, since the rounding of x^d is multiplied by c_d, and one more where there are
    /// other terms. With w = c_d: w (e / (w q) + rounding) = e / q + w rounding.
    [[nodiscard]] NoiseEstimate drop_in_product(const NoiseEstimate& a, double roundings) const;
    /// A DiagonalProduct. giants: of one output. Baby rotations add noise before the products, without a
    /// rounding, giant ones after them.
    [[nodiscard]] NoiseEstimate diagonal_product(const NoiseEstimate& a, bool babies, std::size_t giants,
                                                 const DiagonalNorms& norms) const;
    /// add_rotations() by so many.
    [[nodiscard]] NoiseEstimate add_rotations(const NoiseEstimate& a, std::size_t rotations) const;
    /// Sums of so many integers uniform in [-2^bits, 2^bits), over a fresh encryption of zero.
    struct Flooding {
        NoiseEstimate estimate;
        int bits = 0;
    };
    static constexpr int flood_summands = 3;
    /// The encryption of zero hides the parts, the flood what is left of both in the noise. It does not hide
    /// a coefficient by itself: of what all of them show together only the mean square of the noise counts,
    /// and the root of their number (he/fv/noise.md, "Flooding"). All ciphertexts of a reply together may not
    /// exceed half of 2^-privacy_bits, so that any two circuits are that close.
    [[nodiscard]] Flooding flood(const NoiseEstimate& a, int privacy_bits, std::size_t ciphertexts) const;
    /// How many low bits of c_0 and c_1 a reply of one limb may leave out where this budget is left: together
    /// they use up no more than it. Leaving out d bits rounds to a multiple of 2^d, an error of at most
    /// 2^(d-1) in c_0, and in c_1 one that is uniform and multiplied with s.
    [[nodiscard]] std::array<int, 2> droppable_bits(double budget) const;
    /// The budget that is left of `budget` once so many low bits are left out of a reply of one limb.
    [[nodiscard]] double budget_without_bits(double budget, const std::array<int, 2>& dropped) const;

    /// log2 of the bound on every coefficient, see above.
    [[nodiscard]] double log_bound(const NoiseEstimate& a) const;
    /// log2(Q_l / (2 t)) minus log_bound, at most log2(Q_l / 2) as Decryptor::noise_budget: positive means
    /// that decryption is correct but for 2^-128, under the assumptions.
    [[nodiscard]] double budget(const NoiseEstimate& a) const;

    /// log2 of the bound of d_0 + d_1 s with d_i uniform in (-1/2, 1/2], which rounding both parts adds.
    [[nodiscard]] double log_rounding_bound() const;

    [[nodiscard]] std::size_t max_limbs() const { return log_data_.size(); }
    [[nodiscard]] double log_q(std::size_t limbs) const;
    [[nodiscard]] const NoiseTail& tail() const { return *tail_; }

  private:
    [[nodiscard]] double log_deviations(const NoiseTerm& term) const;
    [[nodiscard]] NoiseTerm key_switch_term(std::size_t limbs) const;
    /// The same before the division by P, which rounds: of what is summed modulo Q P.
    [[nodiscard]] NoiseTerm hoisted_switch_term(std::size_t limbs) const;
    /// A dense plaintext or a sum of rotated ones; identical: the norm for independent coefficients.
    [[nodiscard]] NoiseEstimate multiply_dense(const NoiseEstimate& a, double norm, double identical) const;
    /// Rounding errors of every part, d_0 + d_1 s + ...
    [[nodiscard]] NoiseTerm rounding_term(std::size_t size) const;
    /// log2 of the mean of u^power, and its half: the mean square and deviation that a weight of u^power
    /// brings.
    [[nodiscard]] double log_weight(int power) const;
    /// What t K makes of a term, K of a ciphertext with `repeats` products less than the term's. Throws Error
    /// where a factor would stand in it more often than NoiseFactors can say.
    [[nodiscard]] NoiseTerm product_term(const NoiseTerm& term, int repeats) const;
    enum class Source { any, independent };
    /// Adds a term to those that are there: deviations to one of its kind, or, from a source that is
    /// independent of them, variances.
    void include(NoiseEstimate& estimate, const NoiseTerm& term, Source source = Source::any) const;

    std::size_t n_;
    std::size_t digit_limbs_;
    double log_t_;
    std::vector<double> log_data_;
    std::vector<double> log_special_;
    std::shared_ptr<const NoiseTail> tail_;
};

/// The largest absolute value of the polynomial with these centred coefficients at the complex roots of x^n +
/// 1: a product with it stretches no vector of coefficients by more. About sqrt(ln n) times the Euclidean
/// norm for coefficients that look random, as encoded slots do; sum |w| where all of them pull one way.
[[nodiscard]] double spectral_norm(const Plaintext& plaintext);

}  // namespace lacuna
