// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "he/parameters.h"
#include "he/plaintext.h"

namespace lacuna {

/// What is known of a ciphertext's noise without its key.
struct NoiseEstimate {
    double log_sigma = 0;   ///< log2 of the standard deviation of a noise coefficient
    int secret_power = 0;   ///< highest power of the secret that fresh noise in it was multiplied with
    std::size_t limbs = 0;  ///< its level
    std::size_t size = 2;   ///< its number of parts
    int products = 0;       ///< multiplications in sequence behind it
};

/// Predicts noise from the circuit alone. The noise of c_0 + c_1 s + ... = Q m / t + e (mod Q) is followed as
/// the standard deviation of a coefficient of e over fresh noise, given keys of typical norm; e is linear in
/// the fresh noise but for a negligible term, and that noise is bounded, so e is sub-Gaussian with that
/// deviation, and 14.5 deviations bound all n coefficients except with probability 2^-128 (2 n exp(-14.5^2 /
/// 2) < 2^-135 at n = 32768). An unscaled square's noise is quadratic in it, see there.
///
/// Nothing is assumed about messages. With K = (c_0 + c_1 s) / Q, a polynomial whose coefficients have
/// variance (1 + n Var(s)) / 12, the product of two ciphertexts has the noise t (K e' + K' e) - (t/Q) e e' +
/// rounding: the message parts m e' of other accounts are inside K. Powers of s make its coefficients'
/// variance grow faster than independent factors would: Var(s^k) = k! (n Var s)^k / n, so a product with K
/// multiplies the variance of noise that holds s^k by another k + 1 (Biasioli, Marcolla, Calderini, Mono,
/// ePrint 2022/1636, section 4). Public-key encryption, modulus switching and key switching round c_1, and so
/// leave noise with s^1 even before a multiplication. In the same way K^k grows where a ciphertext is
/// multiplied with its own descendants again, as x (x x): by another k for the k-th time. Sums are taken as
/// fully correlated (sum |w|) unless the caller knows the terms to be independent.
class NoiseModel {
  public:
    /// parameters: as resolve() returns them, or with sizes in bits only; t: the plaintext modulus, or its
    /// size.
    NoiseModel(const Parameters& parameters, double log_t);

    [[nodiscard]] NoiseEstimate fresh_symmetric() const;
    [[nodiscard]] NoiseEstimate fresh_public() const;

    [[nodiscard]] NoiseEstimate add(const NoiseEstimate& a, const NoiseEstimate& b) const;
    /// Adding a plaintext: only the rounding of Q m / t.
    [[nodiscard]] NoiseEstimate add_plain(const NoiseEstimate& a) const;
    /// A sum of ciphertexts like a with integer or monomial weights, norm_1 = sum |w|. norm_2 = sqrt(sum w^2)
    /// may be given instead where the terms' noises are independent, as fresh encryptions' are.
    [[nodiscard]] NoiseEstimate linear(const NoiseEstimate& a, double norm) const;
    /// A dense plaintext whose centred coefficients have this norm: spectral_norm(), or any bound of it such
    /// as sum |w|. The Euclidean norm is enough where the noise has independent coefficients, which a fresh
    /// symmetric encryption's has, and one that holds powers of s or went through another such product has
    /// not.
    [[nodiscard]] NoiseEstimate multiply_plain(const NoiseEstimate& a, double norm) const;
    [[nodiscard]] NoiseEstimate multiply(const NoiseEstimate& a, const NoiseEstimate& b) const;
    /// t e^2, for a sum of fresh symmetric encryptions with scalar weights: secret_power 0, or an Error.
    /// Coefficient k of e^2 sums the products of the coefficients at a and k - a: a bilinear form between two
    /// halves of the positions, which are independent and of mean 0, with variance 2 n sigma^4, Frobenius
    /// norm F = sqrt(2 n) sigma^2 and spectral norm r = 2 sigma^2, and two squares of opposite signs, too
    /// small to count. It stays below sqrt(2 u) F + u r except with probability 2 exp(-u), as -1/2 sum ln(1 -
    /// x^2 r_i^2) bounds its logarithmic moments: 16.1 deviations at n = 4096 instead of 14.5. Sums of such
    /// squares are forms of the same kind. In products that follow, fix e^2: its Euclidean norm is less than
    /// twice the typical one but for 2^-128 from n = 4096 on, and over the ciphertexts' coefficients, uniform
    /// whatever e is, the noise is sub-Gaussian. (That is an assumption here, for these ciphertexts depend on
    /// e; a scaled product's do not.) One bit, added here, covers either.
    [[nodiscard]] NoiseEstimate square_unscaled(const NoiseEstimate& a) const;
    [[nodiscard]] NoiseEstimate relinearize(const NoiseEstimate& a) const;
    [[nodiscard]] NoiseEstimate rotate(const NoiseEstimate& a) const;
    /// A sum of `count` rotations times plaintexts of norm at most `norm` each, as multiply_plain takes it.
    [[nodiscard]] NoiseEstimate sum_of_rotated_products(const NoiseEstimate& a, std::size_t count,
                                                        double norm) const;
    [[nodiscard]] NoiseEstimate mod_switch_to(const NoiseEstimate& a, std::size_t limbs) const;

    /// log2 of the bound on every coefficient, failing with probability below 2^-128.
    [[nodiscard]] double log_bound(const NoiseEstimate& a) const;
    /// log2(Q_l / (2 t)) minus log_bound, at most log2(Q_l / 2) as Decryptor::noise_budget: positive means
    /// that decryption is certain to be correct but for 2^-128.
    [[nodiscard]] double budget(const NoiseEstimate& a) const;

    [[nodiscard]] std::size_t max_limbs() const { return log_data_.size(); }
    [[nodiscard]] double log_q(std::size_t limbs) const;

  private:
    [[nodiscard]] double log_key_switch_variance(std::size_t limbs) const;
    /// log2 of the variance of a rounding error of every part, (1/12) sum_k Var(s^k) n.
    [[nodiscard]] double log_rounding_variance(std::size_t size) const;

    std::size_t n_;
    std::size_t digit_limbs_;
    double log_t_;
    std::vector<double> log_data_;
    std::vector<double> log_special_;

  public:
    // What the layers of a network do to noise (he/noise_of_layers.cpp), in terms of the above.

    /// The norms of the rows of a linear layer, each the largest over its rows.
    struct RowNorms {
        double sum = 0;          ///< sum |w|: whatever the values' noise is
        double independent = 0;  ///< sqrt(sum w^2): fresh encryptions, whose noise is independent
        double products = 0;  ///< at most `sum`: products of pairwise independent ciphertexts, see nn/stage.h
        double squares = 0;   ///< at most `sum`: t e^2 of unscaled squares, see nn/stage.h
    };
    /// A sum of fresh encryptions and a constant.
    [[nodiscard]] NoiseEstimate sum_of_fresh(const NoiseEstimate& a, const RowNorms& norms) const;
    /// A sum of anything, taken as fully correlated, and a constant.
    [[nodiscard]] NoiseEstimate sum_of_any(const NoiseEstimate& a, const RowNorms& norms) const;
    /// A sum of products, or of such and a constant each, and a constant. The rounding of Q m / t that a
    /// constant brought, at most 1/2, is the same wherever it is, and so adds up by |w| alone.
    [[nodiscard]] NoiseEstimate sum_of_products(const NoiseEstimate& a, const RowNorms& norms) const;
    /// A sum of unscaled squares of ciphertexts like `before`, likewise. With rho the rounding of a bias in
    /// those, at most 1/2 and constant, the squares hold 2 rho e + rho^2 too. What came to them since, of
    /// dropped primes or key switching, grows as that of products.
    [[nodiscard]] NoiseEstimate sum_of_unscaled_squares(const NoiseEstimate& a, const NoiseEstimate& before,
                                                        const RowNorms& norms) const;
    /// c_0 + c_1 a + ... of which the highest product drops a prime in its own rounding, which its
    /// coefficient then multiplies, and the sum of the others one by itself. a: the polynomial without that;
    /// roundings: the highest coefficient, and one more where there are others. w (e / (w q) + rounding) = e
    /// / q + w rounding.
    [[nodiscard]] NoiseEstimate drop_in_product(const NoiseEstimate& a, double roundings) const;
    /// Noise uniform in [-2^bits, 2^bits) over a fresh encryption of zero.
    struct Flooding {
        NoiseEstimate estimate;
        int bits = 0;
    };
    /// The encryption of zero hides the parts, the flood what is left of both in the noise. Uniform noise in
    /// [-B, B) hides noise bounded by E in one coefficient up to E / (2B) of statistical distance. All
    /// coefficients of all the ciphertexts of a reply may not exceed half of 2^-privacy_bits together, so
    /// that any two circuits are that close.
    [[nodiscard]] Flooding flood(const NoiseEstimate& a, int privacy_bits, std::size_t ciphertexts) const;
    /// A flood fills its bound: the rounding of a switch adds to the bound itself, not to a variance.
    [[nodiscard]] NoiseEstimate mod_switch_flooded(const NoiseEstimate& a, std::size_t limbs) const;
    /// How many low bits of c_0 and c_1 a reply of one limb may leave out where this budget is left: together
    /// they use up no more than it. Leaving out d bits rounds to a multiple of 2^d, an error of at most
    /// 2^(d-1) in c_0, and of deviation 2^d sqrt(n Var(s) / 12) after multiplication with s in c_1.
    [[nodiscard]] std::array<int, 2> droppable_bits(double budget) const;

  private:
    [[nodiscard]] NoiseEstimate add_constants(const NoiseEstimate& a, double norm_1) const;
};

/// The largest absolute value of the polynomial with these centred coefficients at the complex roots of x^n +
/// 1: a product with it stretches no vector of coefficients by more. About sqrt(ln n) times the Euclidean
/// norm for coefficients that look random, as encoded slots do; sum |w| where all of them pull one way.
[[nodiscard]] double spectral_norm(const Plaintext& plaintext);

}  // namespace lacuna
