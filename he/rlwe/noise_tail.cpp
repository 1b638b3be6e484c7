// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/noise_tail.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>
#include <vector>

namespace lacuna {

NoiseTail::NoiseTail(std::size_t n, int bits) : n_(n), bits_(bits), secret_(n) {
    // Coefficient k of e^2: products of the coefficients at a and k - a, a bilinear form between two halves
    // of the positions, and the squares at the two a with 2 a = k, at most 2 sigma^2 times an exponential
    // variable; all over sqrt(2 n) sigma^2.
    const double halves = compute(static_cast<double>(n) / 4, NoiseFactors{}.with(), 0, 1);
    double single = std::numeric_limits<double>::infinity();
    for (int q = 1; q <= bits; ++q) {
        single = std::min(single, (bits * std::numbers::ln2 + std::lgamma(2.0 * q + 1)) / (2.0 * q));
    }
    square_ = std::log2(std::exp2(halves) + 2 * std::exp(single) / std::sqrt(2 * static_cast<double>(n)));
}

std::shared_ptr<const NoiseTail> NoiseTail::shared(std::size_t n, int bits) {
    static std::mutex mutex;
    static std::map<std::pair<std::size_t, int>, std::shared_ptr<const NoiseTail>> all;
    const std::lock_guard lock(mutex);
    std::shared_ptr<const NoiseTail>& tail = all[{n, bits}];
    if (!tail) {
        tail = std::make_shared<const NoiseTail>(n, bits);
    }
    return tail;
}

double NoiseTail::log_deviations(const NoiseFactors& factors, std::size_t secret_power,
                                 std::size_t own_power) const {
    own_power = std::max<std::size_t>(own_power, 1);
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = known_.try_emplace({factors, secret_power, own_power}, 0.0);
    if (is_new) {
        place->second = compute(static_cast<double>(n_) / 2, factors, secret_power, own_power);
    }
    return place->second;
}

double NoiseTail::log_deviations_of_square() const {
    return square_;
}

/// Markov's inequality for the best even moment: T^(2q) = 2^bits (2q - 1)!! E[V^q], with E[V^q] = q! [z^q]
/// exp(sum_j c_j z^j) and c_j = a_j m_(Pj) / (m_P^j N^(j - 1)), all in natural logarithms. (he/fv/noise.md,
/// "Moments".)
double NoiseTail::compute(double embeddings, const NoiseFactors& factors, std::size_t secret_power,
                          std::size_t own_power) const {
    const double log_bits = bits_ * std::numbers::ln2;
    const auto last = static_cast<std::size_t>(std::ceil(log_bits)) + 4;  // the best q lies below
    const double minus_infinity = -std::numeric_limits<double>::infinity();
    const auto log_factorial = [](std::size_t k) { return std::lgamma(static_cast<double>(k) + 1); };
    const bool one_factor = own_power == 1 && factors == NoiseFactors{}.with();

    /// a_j for unit means: prod_i (r_i j)! / (r_i!)^j / j!, once more over j! for a power of its own, but 1/j
    /// for a single factor and none beyond j = 1 without one.
    const auto log_a = [&](std::size_t j) {
        if (one_factor) {
            return -std::log(static_cast<double>(j));
        }
        if (own_power == 1 && factors.none()) {
            return j == 1 ? 0 : minus_infinity;
        }
        double sum = -log_factorial(j);
        if (own_power > 1) {
            sum += log_factorial(own_power * j) - static_cast<double>(j) * log_factorial(own_power) -
                   log_factorial(j);
        }
        for (std::size_t r = 1; r <= NoiseFactors::highest_power; ++r) {
            sum += static_cast<double>(factors.count(r)) *
                   (log_factorial(r * j) - static_cast<double>(j) * log_factorial(r));
        }
        return sum;
    };

    std::vector<double> log_c(last + 1, minus_infinity);
    for (std::size_t j = 1; j <= last; ++j) {
        log_c[j] = log_a(j) + secret_.log_moment(secret_power * j) -
                   static_cast<double>(j) * secret_.log_moment(secret_power) -
                   static_cast<double>(j - 1) * std::log(embeddings);
    }
    // h = exp(sum c_j z^j): q h_q = sum_j j c_j h_(q - j).
    std::vector<double> log_h(last + 1, minus_infinity);
    log_h[0] = 0;
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t q = 1; q <= last; ++q) {
        double largest = minus_infinity;
        for (std::size_t j = 1; j <= q; ++j) {
            largest = std::max(largest, std::log(static_cast<double>(j)) + log_c[j] + log_h[q - j]);
        }
        double sum = 0;
        for (std::size_t j = 1; j <= q; ++j) {
            sum += std::exp(std::log(static_cast<double>(j)) + log_c[j] + log_h[q - j] - largest);
        }
        log_h[q] = largest + std::log(sum) - std::log(static_cast<double>(q));
        const auto k = static_cast<double>(q);
        const double log_double_factorial =
            log_factorial(2 * q) - k * std::numbers::ln2 - log_factorial(q);  // (2q - 1)!!
        best = std::min(best, (log_bits + log_double_factorial + log_factorial(q) + log_h[q]) / (2 * k));
    }
    return best / std::numbers::ln2;
}

}  // namespace lacuna
