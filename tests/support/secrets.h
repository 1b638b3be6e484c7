// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <lacuna/he/rlwe/embedding.h>
#include <lacuna/he/rlwe/secret_bound.h>

namespace lacuna::testing {

/// A secret as key generation draws it.
inline std::vector<std::int64_t> accepted_secret(std::size_t n, std::mt19937_64& random) {
    const SecretBound bound(n);
    std::vector<std::int64_t> secret(n);
    do {
        for (std::int64_t& coefficient : secret) {
            coefficient = static_cast<std::int64_t>(random() % 3) - 1;
        }
    } while (!bound.accepts(secret));
    return secret;
}

/// u(zeta) = (1 + |s(zeta)|^2) / (1 + 2n/3) at one root of each conjugate pair.
inline std::vector<double> weights_of(const std::vector<std::int64_t>& secret) {
    const std::size_t n = secret.size();
    const std::vector<double> coefficients(secret.begin(), secret.end());
    std::vector<double> weights;
    for (const std::complex<double>& value : embed(coefficients)) {
        weights.push_back((1 + std::norm(value)) / (1 + 2.0 * static_cast<double>(n) / 3));
    }
    weights.resize(n / 2);
    return weights;
}

}  // namespace lacuna::testing
