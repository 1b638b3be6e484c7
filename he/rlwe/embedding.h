// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <span>
#include <vector>

namespace lacuna {

/// The values of a real polynomial of degree below n = coefficients.size(), a power of two, at the n complex
/// roots of x^n + 1: its canonical embedding. Entry k is the value at exp(i pi (2 k + 1) / n);
/// entry n - 1 - k is its conjugate. No branch or index depends on a coefficient.
[[nodiscard]] std::vector<std::complex<double>> embed(std::span<const double> coefficients);

}  // namespace lacuna
