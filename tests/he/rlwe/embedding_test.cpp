// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/embedding.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna {
namespace {

using Complex = std::complex<double>;

std::vector<double> random_coefficients(std::size_t n) {
    std::mt19937_64 random(n);
    std::uniform_real_distribution<double> uniform(-3, 3);
    std::vector<double> coefficients(n);
    for (double& coefficient : coefficients) {
        coefficient = uniform(random);
    }
    return coefficients;
}

TEST(Embedding, IsTheValuesAtTheRootsOneByOne) {
    for (const std::size_t n : {1, 2, 4, 16, 128, 256}) {
        const std::vector<double> coefficients = random_coefficients(n);
        const std::vector<Complex> values = embed(coefficients);
        ASSERT_EQ(values.size(), n);
        for (std::size_t k = 0; k < n; ++k) {
            Complex value = 0;
            for (std::size_t j = 0; j < n; ++j) {
                const double angle =
                    std::numbers::pi * static_cast<double>(j * (2 * k + 1)) / static_cast<double>(n);
                value += coefficients[j] * Complex(std::cos(angle), std::sin(angle));
            }
            EXPECT_NEAR(std::abs(values[k] - value), 0, 1e-9) << "n = " << n << ", root " << k;
        }
    }
}

TEST(Embedding, MultipliesWhereTheRingDoesAndKeepsTheNorm) {
    const std::size_t n = 64;
    const std::vector<double> a = random_coefficients(n);
    const std::vector<double> b(a.rbegin(), a.rend());
    std::vector<double> product(n);
    double norm = 0;
    for (std::size_t i = 0; i < n; ++i) {
        norm += a[i] * a[i];
        for (std::size_t j = 0; j < n; ++j) {
            product[(i + j) % n] += i + j < n ? a[i] * b[j] : -a[i] * b[j];
        }
    }
    const std::vector<Complex> values_a = embed(a);
    const std::vector<Complex> values_b = embed(b);
    const std::vector<Complex> values = embed(product);
    double mean = 0;
    for (std::size_t k = 0; k < n; ++k) {
        EXPECT_NEAR(std::abs(values[k] - values_a[k] * values_b[k]), 0, 1e-9);
        EXPECT_NEAR(std::abs(values_a[k] - std::conj(values_a[n - 1 - k])), 0, 1e-12);
        mean += std::norm(values_a[k]) / static_cast<double>(n);
    }
    EXPECT_NEAR(mean, norm, 1e-9);
}

}  // namespace
}  // namespace lacuna
