// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <lacuna/he/fv/noise.h>

namespace lacuna {

namespace {

/// The statistical distance by which a shift by 1 moves a sum of NoiseModel::flood_summands integers that are
/// uniform among N, times N, for N of at least 2^(least_flood_bits + 1).
constexpr double flood_distance = 1.09;
constexpr int least_flood_bits = 6;

}  // namespace

NoiseEstimate NoiseModel::drop_in_product(const NoiseEstimate& a, double roundings) const {
    return scale(mod_switch_to(scale(a, 1 / roundings), a.limbs - 1), roundings);
}

NoiseEstimate NoiseModel::diagonal_product(const NoiseEstimate& a, bool babies, std::size_t giants,
                                           const DiagonalNorms& norms) const {
    NoiseEstimate result = multiply_dense(a, norms.any, norms.fresh);
    if (babies) {
        NoiseTerm keys = hoisted_switch_term(a.limbs);
        keys.log_sigma += std::log2(std::max(norms.keys, 1e-9));
        include(result, keys, Source::independent);
    }
    // Every giant rotation rounds and switches by itself; the division at the end rounds once more.
    const std::size_t switches = babies || giants > 0 ? giants + 1 : 0;
    for (std::size_t i = 0; i < switches; ++i) {
        result = rotate(result);
    }
    return result;
}

NoiseEstimate NoiseModel::add_rotations(const NoiseEstimate& a, std::size_t rotations) const {
    NoiseEstimate result = linear(a, static_cast<double>(rotations + 1));
    for (std::size_t i = 0; i < rotations; ++i) {
        result = rotate(result);
    }
    return result;
}

NoiseModel::Flooding NoiseModel::flood(const NoiseEstimate& a, int privacy_bits,
                                       std::size_t ciphertexts) const {
    NoiseEstimate zero = fresh_public();
    zero.limbs = a.limbs;
    // 1/2: what is hidden is an integer, which differs from the noise by the rounding of Q m / t.
    const NoiseEstimate hidden = add_plain(add(a, zero));
    const double root_mean_square = std::exp2(hidden.log_sigma()) + std::exp2(hidden.log_certain);
    const double coefficients = static_cast<double>(n_) * static_cast<double>(ciphertexts);
    const double log_width =
        std::log2(flood_distance * root_mean_square) + 0.5 * std::log2(coefficients) + privacy_bits;
    const int bits = std::max(least_flood_bits, static_cast<int>(std::ceil(log_width)));
    return {add_certain(hidden, bits + std::log2(flood_summands)), bits};
}

std::array<int, 2> NoiseModel::droppable_bits(double budget) const {
    if (budget < 0.5) {
        return {0, 0};
    }
    const double log_limit = log_q(1) - 1 - log_t_;
    const double log_slack = log_limit + std::log2(1.0 - std::exp2(-budget)) - 1.0;  // half for each part
    return {std::max(0, static_cast<int>(std::floor(log_slack))),
            std::max(0, static_cast<int>(std::floor(log_slack - log_rounding_bound())))};
}

double NoiseModel::budget_without_bits(double budget, const std::array<int, 2>& dropped) const {
    const double log_limit = log_q(1) - 1 - log_t_;
    double used = std::exp2(-budget);
    used += dropped[0] > 0 ? std::exp2(dropped[0] - 1 - log_limit) : 0;
    used += dropped[1] > 0 ? std::exp2(dropped[1] + log_rounding_bound() - log_limit) : 0;
    return dropped == std::array<int, 2>{} ? budget : -std::log2(used);
}

}  // namespace lacuna
