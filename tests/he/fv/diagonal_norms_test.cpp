// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <complex>
#include <random>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/diagonal_product.h>
#include <lacuna/he/fv/diagonal_norms.h>
#include <lacuna/he/fv/noise.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/he/rlwe/embedding.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

using Real = std::vector<double>;

Real turned(const Real& a, std::uint64_t g) {
    const std::size_t n = a.size();
    Real result(n);
    for (std::size_t j = 0; j < n; ++j) {
        const std::uint64_t to = j * g % (2 * n);
        result[to % n] = to < n ? a[j] : -a[j];
    }
    return result;
}

Real product(const Real& a, const Real& b) {
    const std::size_t n = a.size();
    Real result(n);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            result[(i + j) % n] += (i + j < n ? 1 : -1) * a[i] * b[j];
        }
    }
    return result;
}

std::vector<Diagonal> random_diagonals(const std::vector<RotatedInput>& rotations, std::size_t k,
                                       std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<Diagonal> diagonals;
    for (const RotatedInput& rotation : rotations) {
        diagonals.push_back({rotation, std::vector<std::int64_t>(k)});
        std::ranges::generate(diagonals.back().values,
                              [&] { return static_cast<std::int64_t>(random() % 9) - 4; });
    }
    return diagonals;
}

/// The rows of the linear map, one unit vector after the other.
TEST(DiagonalNorms, AreThoseOfTheRows) {
    constexpr std::size_t n = 64;
    constexpr std::size_t k = 16;
    Parameters parameters = small_parameters(n, {50}, {}, {});
    parameters.plain_polynomials = {PlainModulus::binomial(k, 4)};  // p = 257
    const Context context(parameters);
    const BinomialEncoder encoder(context);
    const PlainModulus t = context.plain().t();
    const std::vector<RotatedInput> rotations = {{0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {0, 0, 5},
                                                 {0, 0, 6}, {0, 1, 3}, {1, 1, 0}};
    const auto diagonals = random_diagonals(rotations, k, 1);
    const RotationSchedule schedule = schedule_rotations(rotations, k);
    const DiagonalNorms norms = diagonal_norms(encoder, n, diagonals, schedule);
    double any = 0;
    double fresh = 0;
    for (std::size_t output = 0; output < 2; ++output) {
        double sum = 0;
        Real squares(n);
        for (std::size_t input = 0; input < 2; ++input) {
            std::vector<Real> rows(n, Real(n));  // [output coefficient][input coefficient]
            for (std::size_t i = 0; i < n; ++i) {
                Real unit(n);
                unit[i] = 1;
                for (std::size_t d = 0; d < diagonals.size(); ++d) {
                    const RotationSchedule::Term& term = schedule.terms[d];
                    if (term.output != output || term.input != input) {
                        continue;
                    }
                    const Plaintext plaintext = encoder.encode(turned_values(diagonals[d], term.giant, k));
                    Real values(n);
                    for (std::size_t j = 0; j < n; ++j) {
                        values[j] = static_cast<double>(plaintext.centred(j));
                    }
                    const Real result =
                        turned(product(values, turned(unit, rotation_element(n, t, term.baby))),
                               rotation_element(n, t, term.giant));
                    for (std::size_t j = 0; j < n; ++j) {
                        rows[j][i] += result[j];
                    }
                }
            }
            double largest = 0;
            for (std::size_t j = 0; j < n; ++j) {
                for (const double x : rows[j]) {
                    squares[j] += x * x;
                }
                for (const std::complex<double>& value : embed(rows[j])) {
                    largest = std::max(largest, std::abs(value));
                }
            }
            sum += largest;
        }
        any = std::max(any, sum);
        fresh = std::max(fresh, std::sqrt(*std::ranges::max_element(squares)));
    }
    EXPECT_NEAR(norms.any, any, 1e-9 * any);
    EXPECT_NEAR(norms.fresh, fresh, 1e-9 * fresh);
    EXPECT_GT(norms.keys, 0);
}

TEST(DiagonalNorms, OfOneDiagonalAreItsOwn) {
    Parameters parameters = small_parameters(256, {50}, {}, {});
    parameters.plain_polynomials = {PlainModulus::binomial(64, 272)};
    const Context context(parameters);
    const BinomialEncoder encoder(context);
    const std::vector<RotatedInput> rotations = {{0, 0, 3}};
    const auto diagonals = random_diagonals(rotations, 64, 2);
    const DiagonalNorms norms = diagonal_norms(encoder, 256, diagonals, schedule_rotations(rotations, 64));
    const double spectral = spectral_norm(encoder.encode(diagonals[0].values));
    EXPECT_NEAR(norms.any, spectral, 1e-9 * spectral);
    EXPECT_NEAR(norms.keys, spectral, 1e-9 * spectral);
    EXPECT_LT(norms.fresh, spectral);
}

/// The bound of a product is above what every coefficient measures, and not far: under many keys.
TEST(DiagonalNorms, BoundWhatIsMeasured) {
    Parameters parameters = small_parameters(2048, {45, 45}, {45}, {});
    parameters.plain_polynomials = {PlainModulus::binomial(256, 132)};
    std::vector<RotatedInput> rotations;
    for (int s = -3; s < 21; ++s) {
        rotations.push_back({0, 0, s});
    }
    const auto diagonals = random_diagonals(rotations, 256, 3);
    const RotationSchedule schedule = schedule_rotations(rotations, 256);
    double least = 1000;
    double predicted = 0;
    for (int key = 0; key < 5; ++key) {
        const Scheme scheme(parameters);
        const BinomialEncoder encoder(scheme.context);
        const DiagonalProduct product(scheme.context, encoder, 1, 1, 2, diagonals, schedule);
        const NoiseModel noise(resolve(parameters), scheme.context.plain().t().log_bound());
        predicted =
            noise.budget(noise.diagonal_product(noise.fresh_symmetric(), schedule.babies > 0, schedule.giants,
                                                diagonal_norms(encoder, 2048, diagonals, schedule)));
        const std::vector<Ciphertext> x = {
            scheme.encryptor.encrypt(encoder.encode(std::vector<std::int64_t>(256, key)))};
        const GaloisKeys keys = scheme.generator.galois_keys_for(
            rotation_elements(scheme.context.n(), scheme.context.plain().t(), schedule.steps()));
        least =
            std::min(least, scheme.decryptor.noise_budget(product.apply(scheme.context, x, keys).front()));
    }
    EXPECT_GE(least, predicted);
    EXPECT_LE(least, predicted + 8);
}

}  // namespace
}  // namespace lacuna::testing
