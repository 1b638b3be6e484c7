// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/secret_bound.h>

#include <cmath>
#include <complex>
#include <vector>

#include <lacuna/he/rlwe/embedding.h>
#include <lacuna/ntt/buffer.h>

namespace lacuna {

namespace {

/// E[x^j] of an exponential variable of mean 1 that is at most `most`: j! times two tails of the Poisson
/// distribution.
double truncated_moment(std::size_t j, double most) {
    double term = 1;
    double sum = 1;
    double factorial = 1;
    for (std::size_t i = 1; i <= j; ++i) {
        term *= most / static_cast<double>(i);
        sum += term;
        factorial *= static_cast<double>(i);
    }
    return factorial * (1 - std::exp(-most) * sum) / (1 - std::exp(-most));
}

}  // namespace

SecretBound::SecretBound(std::size_t n) : n_(n), largest_(std::log(static_cast<double>(n) / 2) + 2) {
    constexpr double deviations = 2.5;
    for (std::size_t j = 1; j <= checked; ++j) {
        const double mean = truncated_moment(j, largest_);
        const double variance = std::max(0.0, truncated_moment(2 * j, largest_) - mean * mean);
        log_moments_[j] = std::log(mean + deviations * std::sqrt(variance / (static_cast<double>(n) / 2)));
    }
}

double SecretBound::log_moment(std::size_t j) const {
    return j <= checked ? log_moments_[j]
                        : log_moments_[checked] + static_cast<double>(j - checked) * std::log(largest_);
}

bool SecretBound::accepts(std::span<const std::int64_t> secret) const {
    std::vector<double> coefficients(secret.begin(), secret.end());
    std::vector<std::complex<double>> values = embed(coefficients);
    const double mean_square = 1 + 2.0 * static_cast<double>(n_) / 3;
    unsigned outside = 0;  // gathered without a branch: which bound fails, and where, is the secret's own
    std::array<double, checked + 1> sums{};
    for (std::size_t k = 0; k < values.size() / 2; ++k) {
        const double u = (1 + std::norm(values[k])) / mean_square;
        outside |= static_cast<unsigned>(u > largest_);
        double power = 1;
        for (std::size_t j = 1; j <= checked; ++j) {
            power *= u;
            sums[j] += power;
        }
    }
    detail::cleanse(coefficients.data(), coefficients.size() * sizeof(double));
    detail::cleanse(values.data(), values.size() * sizeof(std::complex<double>));
    for (std::size_t j = 1; j <= checked; ++j) {
        outside |= static_cast<unsigned>(sums[j] > std::exp(log_moments_[j]) * static_cast<double>(n_) / 2);
    }
    detail::cleanse(sums.data(), sizeof(sums));
    return outside == 0;
}

}  // namespace lacuna
