// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "he/noise.h"
#include "rns/sampler.h"

namespace lacuna {

namespace {

/// Next to any other noise, none.
constexpr double log_nothing = -1000;

}  // namespace

NoiseEstimate NoiseModel::sum_of_fresh(const NoiseEstimate& a, const RowNorms& norms) const {
    return add_plain(linear(a, norms.independent));
}

NoiseEstimate NoiseModel::sum_of_any(const NoiseEstimate& a, const RowNorms& norms) const {
    return add_plain(linear(a, norms.sum));
}

NoiseEstimate NoiseModel::sum_of_products(const NoiseEstimate& a, const RowNorms& norms) const {
    const NoiseEstimate sum = add_plain(linear(a, norms.products));
    return norms.products < norms.sum ? add_constants(sum, norms.sum) : sum;
}

NoiseEstimate NoiseModel::sum_of_unscaled_squares(const NoiseEstimate& a, const NoiseEstimate& before,
                                                  const RowNorms& norms) const {
    const double norm = std::min(norms.sum, std::max(norms.squares, norms.products));
    NoiseEstimate sum = add_plain(linear(a, norm));
    NoiseEstimate biases = sum;
    biases.log_sigma = log_t_ + std::log2(std::max(norms.sum, 1.0) * (std::exp2(before.log_sigma) + 0.25)) -
                       log_q(before.limbs) + log_q(sum.limbs);
    sum = add(sum, biases);
    return norm < norms.sum ? add_constants(sum, norms.sum) : sum;
}

/// norm_1 times a rounding of at most 1/2 that is the same everywhere.
NoiseEstimate NoiseModel::add_constants(const NoiseEstimate& a, double norm_1) const {
    NoiseEstimate rounding = a;
    rounding.log_sigma = 0;
    rounding.log_sigma = std::log2(std::max(norm_1, 1.0) / 2) - log_bound(rounding);
    return add(a, rounding);
}

NoiseEstimate NoiseModel::drop_in_product(const NoiseEstimate& a, double roundings) const {
    return linear(mod_switch_to(linear(a, 1 / roundings), a.limbs - 1), roundings);
}

NoiseModel::Flooding NoiseModel::flood(const NoiseEstimate& a, int privacy_bits,
                                       std::size_t ciphertexts) const {
    NoiseEstimate zero = fresh_public();
    zero.limbs = a.limbs;
    const NoiseEstimate hidden = add(a, zero);
    const double log_coefficients =
        std::log2(static_cast<double>(n_)) + std::log2(static_cast<double>(ciphertexts));
    const int bits = static_cast<int>(std::ceil(log_bound(hidden) + privacy_bits + log_coefficients));
    NoiseEstimate uniform = hidden;
    uniform.log_sigma += bits - log_bound(hidden);
    return {add(hidden, uniform), bits};
}

NoiseEstimate NoiseModel::mod_switch_flooded(const NoiseEstimate& a, std::size_t limbs) const {
    NoiseEstimate shrunk = a;
    shrunk.limbs = limbs;
    shrunk.log_sigma -= log_q(a.limbs) - log_q(limbs);
    NoiseEstimate rounding = a;
    rounding.log_sigma = log_nothing;
    return add(shrunk, mod_switch_to(rounding, limbs));
}

std::array<int, 2> NoiseModel::droppable_bits(double budget) const {
    if (budget < 0.5) {
        return {0, 0};
    }
    NoiseEstimate times_secret;
    times_secret.log_sigma = 0.5 * std::log2(static_cast<double>(n_) * ternary_variance / 12.0);
    const double log_limit = log_q(1) - 1 - log_t_;
    const double log_slack = log_limit + std::log2(1.0 - std::exp2(-budget)) - 1.0;  // half for each part
    return {std::max(0, static_cast<int>(std::floor(log_slack))),
            std::max(0, static_cast<int>(std::floor(log_slack - log_bound(times_secret))))};
}

}  // namespace lacuna
