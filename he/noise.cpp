// SPDX-License-Identifier: Apache-2.0
#include "he/noise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <numbers>
#include <numeric>

#include "ntt/error.h"
#include "ntt/ntt_tables.h"
#include "rns/sampler.h"

namespace lacuna {

namespace {

constexpr double secret_variance = 2.0 / 3.0;
constexpr double tail = 14.5;
/// Of the random rounding of a message, whatever its fraction.
constexpr double message_variance = 0.25;

/// log2(2^a + 2^b)
double log_add(double a, double b) {
    const double larger = std::max(a, b);
    return larger + std::log2(1.0 + std::exp2(std::min(a, b) - larger));
}

std::vector<double> logs(const std::vector<int>& bits, const std::vector<std::uint64_t>& primes) {
    std::vector<double> result(bits.begin(), bits.end());
    for (const std::uint64_t prime : primes) {
        result.push_back(std::log2(static_cast<double>(prime)));
    }
    return result;
}

}  // namespace

NoiseModel::NoiseModel(const Parameters& parameters, double log_t)
    : n_(parameters.n),
      digit_limbs_(parameters.digit_limbs),
      log_t_(log_t),
      log_data_(logs(parameters.data_bits, parameters.data_primes)),
      log_special_(logs(parameters.special_bits, parameters.special_primes)) {}

double NoiseModel::log_q(std::size_t limbs) const {
    return std::accumulate(log_data_.begin(), log_data_.begin() + static_cast<std::ptrdiff_t>(limbs), 0.0);
}

double NoiseModel::log_rounding_variance(std::size_t size) const {
    const double ns = static_cast<double>(n_) * secret_variance;
    double sum = 1.0 + ns;
    if (size == 3) {
        sum += 2.0 * ns * ns;  // n Var(s^2), Var(s^2) = 2 n Var(s)^2
    }
    return std::log2(sum / 12.0);
}

double NoiseModel::log_key_switch_variance(std::size_t limbs) const {
    // sum_d digit_d e_d / P with digits uniform in (-Q_d/2, Q_d/2], then the rounding of the division by P.
    const double log_p = std::accumulate(log_special_.begin(), log_special_.end(), 0.0);
    double variance = log_rounding_variance(2);
    for (std::size_t begin = 0; begin < limbs; begin += digit_limbs_) {
        const double log_digit = log_q(std::min(begin + digit_limbs_, limbs)) - log_q(begin);
        const double product =
            std::log2(static_cast<double>(n_) * error_variance / 12.0) + 2 * (log_digit - log_p);
        variance = log_add(variance, product);
    }
    return variance;
}

NoiseEstimate NoiseModel::fresh_symmetric() const {
    return {0.5 * std::log2(error_variance + message_variance), 0, log_data_.size(), 2, 0};
}

NoiseEstimate NoiseModel::fresh_public() const {
    // (e u + e_0 + e_1 s) / P plus the rounding of the division; without special primes, only the former.
    const double log_p = std::accumulate(log_special_.begin(), log_special_.end(), 0.0);
    const double sum = error_variance * (1.0 + 2.0 * static_cast<double>(n_) * secret_variance);
    double variance = log_add(std::log2(sum) - 2 * log_p, std::log2(message_variance));
    if (!log_special_.empty()) {
        variance = log_add(variance, log_rounding_variance(2));
    }
    return {0.5 * variance, 1, log_data_.size(), 2, 0};
}

NoiseEstimate NoiseModel::add(const NoiseEstimate& a, const NoiseEstimate& b) const {
    return {log_add(a.log_sigma, b.log_sigma), std::max(a.secret_power, b.secret_power), a.limbs,
            std::max(a.size, b.size), std::max(a.products, b.products)};
}

NoiseEstimate NoiseModel::add_plain(const NoiseEstimate& a) const {
    NoiseEstimate result = a;
    // The rounding of Q m / t is at most 1/2, whatever the message.
    result.log_sigma = log_add(a.log_sigma, -1.0 - std::log2(tail));
    return result;
}

NoiseEstimate NoiseModel::linear(const NoiseEstimate& a, double norm) const {
    NoiseEstimate result = a;
    result.log_sigma = a.log_sigma + std::log2(std::max(norm, 1e-9));
    return result;
}

NoiseEstimate NoiseModel::multiply_plain(const NoiseEstimate& a, double norm) const {
    return linear(a, norm);
}

NoiseEstimate NoiseModel::multiply(const NoiseEstimate& a, const NoiseEstimate& b) const {
    const double n = static_cast<double>(n_);
    const double log_k = std::log2((1.0 + n * secret_variance) / 12.0);  // variance of a coefficient of K
    const int power = std::max(a.secret_power, b.secret_power);
    // Where the operands differ in depth, the shallower one may be a factor of the deeper one: its K once
    // more.
    const int repeats = std::abs(a.products - b.products) + 1;
    const double growth = 0.5 * std::log2(static_cast<double>(power + 1) * repeats);
    const double cross = log_t_ + 0.5 * (std::log2(n) + log_k) + log_add(a.log_sigma, b.log_sigma) + growth;
    const double square = log_t_ - log_q(a.limbs) + 0.5 * std::log2(n) + a.log_sigma + b.log_sigma + growth;
    const double rounding = 0.5 * log_rounding_variance(3);
    // The rounding holds s^2, but next to the cross terms it is too small to count for the power.
    return {log_add(log_add(cross, square), rounding), power + 1, a.limbs, 3,
            std::max(a.products, b.products) + 1};
}

NoiseEstimate NoiseModel::square_unscaled(const NoiseEstimate& a) const {
    if (a.secret_power != 0) {
        throw Error("noise: unscaled squares are modelled for sums of fresh symmetric encryptions alone");
    }
    const double log_tail = 1;  // over that of a linear form, see the header
    return {log_t_ + 2 * a.log_sigma + 0.5 * std::log2(2 * static_cast<double>(n_)) + log_tail,
            a.secret_power, a.limbs, 3, a.products + 1};
}

NoiseEstimate NoiseModel::relinearize(const NoiseEstimate& a) const {
    NoiseEstimate result = rotate(a);
    result.size = 2;
    return a.size == 2 ? a : result;
}

NoiseEstimate NoiseModel::rotate(const NoiseEstimate& a) const {
    NoiseEstimate result = a;
    result.log_sigma = 0.5 * log_add(2 * a.log_sigma, log_key_switch_variance(a.limbs));
    result.secret_power = std::max(a.secret_power, 1);
    return result;
}

NoiseEstimate NoiseModel::sum_of_rotated_products(const NoiseEstimate& a, std::size_t count,
                                                  double norm) const {
    return rotate(linear(rotate(a), static_cast<double>(count) * norm));
}

NoiseEstimate NoiseModel::mod_switch_to(const NoiseEstimate& a, std::size_t limbs) const {
    NoiseEstimate result = a;
    result.limbs = limbs;
    if (limbs == a.limbs) {
        return result;
    }
    result.secret_power = std::max(a.secret_power, static_cast<int>(a.size) - 1);
    // Dropping one prime at a time rounds each time; the earlier roundings shrink with the later primes.
    for (std::size_t l = a.limbs; l > limbs; --l) {
        result.log_sigma =
            0.5 * log_add(2 * (result.log_sigma - log_data_[l - 1]), log_rounding_variance(a.size));
    }
    return result;
}

double NoiseModel::log_bound(const NoiseEstimate& a) const {
    return a.log_sigma + std::log2(tail);
}

double NoiseModel::budget(const NoiseEstimate& a) const {
    return std::min(log_q(a.limbs) - 1 - log_t_ - log_bound(a), log_q(a.limbs) - 1);
}

double spectral_norm(const Plaintext& plaintext) {
    const std::size_t n = plaintext.n();
    const int log_n = std::countr_zero(n);
    // a(w^(2k + 1)) for w = exp(i pi / n) is the Fourier transform of a_j w^j.
    const double angle = std::numbers::pi / static_cast<double>(n);
    std::vector<std::complex<double>> values(n);
    for (std::size_t j = 0; j < n; ++j) {
        values[reverse_bits(static_cast<std::uint32_t>(j), log_n)] =
            std::polar(1.0, angle * static_cast<double>(j)) * static_cast<double>(plaintext.centred(j));
    }
    for (std::size_t half = 1; half < n; half *= 2) {
        for (std::size_t j = 0; j < half; ++j) {
            const std::complex<double> twiddle =
                std::polar(1.0, std::numbers::pi * static_cast<double>(j) / static_cast<double>(half));
            for (std::size_t begin = j; begin < n; begin += 2 * half) {
                const std::complex<double> x = values[begin];
                const std::complex<double> y = values[begin + half] * twiddle;
                values[begin] = x + y;
                values[begin + half] = x - y;
            }
        }
    }
    double largest = 0;
    for (const std::complex<double>& value : values) {
        largest = std::max(largest, std::abs(value));
    }
    return largest;
}

}  // namespace lacuna
