// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <lacuna/he/fv/noise.h>

namespace lacuna {

NoiseEstimate NoiseModel::drop_in_product(const NoiseEstimate& a, double roundings) const {
    return scale(mod_switch_to(scale(a, 1 / roundings), a.limbs - 1), roundings);
}

NoiseModel::Flooding NoiseModel::flood(const NoiseEstimate& a, int privacy_bits,
                                       std::size_t ciphertexts) const {
    NoiseEstimate zero = fresh_public();
    zero.limbs = a.limbs;
    const NoiseEstimate hidden = add(a, zero);
    const double log_coefficients =
        std::log2(static_cast<double>(n_)) + std::log2(static_cast<double>(ciphertexts));
    const int bits = static_cast<int>(std::ceil(log_bound(hidden) + privacy_bits + log_coefficients));
    return {add_certain(hidden, bits), bits};
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

}  // namespace lacuna
