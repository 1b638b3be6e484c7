// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <lacuna/he/fv/noise.h>

namespace lacuna {
namespace {

constexpr double log_t = 20;

NoiseModel model_of(std::vector<int> data = {50, 50, 50}) {
    Parameters parameters;
    parameters.n = 8192;
    parameters.data_bits = std::move(data);
    parameters.special_bits = {50};
    return {parameters, log_t};
}

double bound(const NoiseModel& noise, const NoiseEstimate& a) {
    return std::exp2(noise.log_bound(a));
}

TEST(NoiseOfLayers, SumsGrowByTheNormOfWhatIsKnown) {
    const NoiseModel noise = model_of();
    const NoiseEstimate fresh = noise.fresh_symmetric();
    const NoiseNorms norms{1000, 40, 60, 50};
    EXPECT_NEAR(noise.log_bound(noise.linear(fresh, norms)), noise.log_bound(fresh) + std::log2(40), 1e-9);
    const NoiseEstimate product = noise.multiply(fresh, fresh);
    EXPECT_NEAR(noise.log_bound(noise.linear(product, 1000)), noise.log_bound(product) + std::log2(1000),
                1e-9);
    EXPECT_NEAR(noise.log_bound(noise.linear(product, norms)), noise.log_bound(product) + std::log2(60),
                1e-9);
    // Sums of sums share terms.
    const NoiseEstimate sum = noise.linear(product, norms);
    EXPECT_NEAR(noise.log_bound(noise.linear(sum, norms)), noise.log_bound(sum) + std::log2(1000), 1e-9);
    // Constants' roundings are the same wherever they are: they add up by |w|, whatever the noise does.
    const NoiseEstimate biased = noise.add_plain(product, 1);
    EXPECT_GE(bound(noise, noise.linear(biased, NoiseNorms{1000, 0, 0, 0})), 500 * (1 - 1e-9));
}

/// Squares that cancel in a sum leave t times their biases' roundings times their noise.
TEST(NoiseOfLayers, SumsOfUnscaledSquaresKeepTheirBiases) {
    const NoiseModel noise = model_of();
    const NoiseEstimate fresh = noise.fresh_symmetric();
    const NoiseEstimate square = noise.square_unscaled(noise.add_plain(fresh, 1));
    const NoiseEstimate sum = noise.linear(square, NoiseNorms{100, 10, 0, 0});
    EXPECT_GE(noise.log_bound(sum), log_t + std::log2(100) + noise.log_bound(fresh) - 0.01);
    const NoiseEstimate more = noise.linear(square, NoiseNorms{100, 10, 30, 20});
    EXPECT_GE(noise.log_bound(more), noise.log_bound(noise.square_unscaled(fresh)) + std::log2(20));
    // At a lower level the biases are scaled down with Q.
    const NoiseEstimate lower = noise.linear(noise.mod_switch_to(square, 2), NoiseNorms{100, 10, 0, 0});
    EXPECT_LT(noise.log_bound(lower), noise.log_bound(sum) - 25);
}

TEST(NoiseOfLayers, AWeightMultipliesTheRoundingOfADrop) {
    const NoiseModel noise = model_of();
    const NoiseEstimate product = noise.multiply(noise.fresh_symmetric(), noise.fresh_symmetric());
    const NoiseEstimate plain = noise.drop_in_product(product, 1);
    EXPECT_DOUBLE_EQ(noise.log_bound(plain), noise.log_bound(noise.mod_switch_to(product, 2)));
    EXPECT_EQ(plain.limbs, 2U);
    // The rounding alone: w times that of weight 1.
    NoiseEstimate small = noise.fresh_symmetric();
    small.size = 3;
    EXPECT_NEAR(noise.log_bound(noise.drop_in_product(small, 64)),
                noise.log_bound(noise.drop_in_product(small, 1)) + 6, 0.01);
}

TEST(NoiseOfLayers, AFloodHidesEveryCoefficientAndFillsItsBound) {
    const NoiseModel noise = model_of();
    const NoiseEstimate product =
        noise.relinearize(noise.multiply(noise.fresh_symmetric(), noise.fresh_symmetric()));
    for (const std::size_t ciphertexts : {1, 30}) {
        const NoiseModel::Flooding flooding = noise.flood(product, 40, ciphertexts);
        const double hidden = product.log_sigma();
        const double log_distance = std::log2(1.09) + hidden - (flooding.bits + 1) +
                                    0.5 * (13 + std::log2(static_cast<double>(ciphertexts)));
        EXPECT_LE(log_distance, -41);
        EXPECT_GT(log_distance, -42.5);
        EXPECT_GE(noise.log_bound(flooding.estimate), flooding.bits + std::log2(3.0));
        EXPECT_LE(noise.log_bound(flooding.estimate), flooding.bits + std::log2(3.0) + 0.01);
        // The rounding of a switch adds to the bound, not to a variance.
        const NoiseEstimate switched = noise.mod_switch_to(flooding.estimate, 1);
        NoiseEstimate nothing;
        nothing.limbs = product.limbs;
        EXPECT_GE(bound(noise, switched), std::exp2(flooding.bits - 100) +
                                              bound(noise, noise.mod_switch_to(nothing, 1)) * (1 - 1e-9));
    }
}

/// The density of a sum of three integers uniform among N, times N^3.
std::vector<double> sums_of_three(std::size_t size) {
    std::vector<double> density = {1};
    for (int summand = 0; summand < NoiseModel::flood_summands; ++summand) {
        std::vector<double> next(density.size() + size - 1);
        for (std::size_t i = 0; i < density.size(); ++i) {
            for (std::size_t j = 0; j < size; ++j) {
                next[i + j] += density[i];
            }
        }
        density = std::move(next);
    }
    return density;
}

/// What the flood's proof says of one coefficient, summed up exactly.
TEST(Flood, DensityChangesAsLittleAsItsProofSays) {
    for (const std::size_t size : {2, 3, 4, 7, 16, 94, 128, 1000}) {
        const auto n = static_cast<double>(size);
        const std::vector<double> density = sums_of_three(size);
        double changes = std::sqrt(density.front()) * std::sqrt(density.front()) * 2;  // from and to 0
        for (std::size_t j = 1; j < density.size(); ++j) {
            changes += std::pow(std::sqrt(density[j]) - std::sqrt(density[j - 1]), 2);
        }
        changes /= n * n * n;
        EXPECT_LE(changes, (7.0 / 6 + 2 / n) / (n * n)) << size;
        if (size >= 94) {
            EXPECT_LE(std::sqrt(changes), 1.09 / n) << size;
            EXPECT_GE(std::sqrt(changes), 1.05 / n) << size;
        }
    }
}

/// And of shifts by vectors of two coefficients, by their Euclidean norm.
TEST(Flood, DistanceIsBoundedByTheEuclideanNorm) {
    constexpr std::size_t size = 94;
    const std::vector<double> density = sums_of_three(size);
    const double total = std::pow(static_cast<double>(size), 3);
    const auto at = [&](std::ptrdiff_t j) {
        return j < 0 || j >= std::ssize(density) ? 0.0 : density[static_cast<std::size_t>(j)] / total;
    };
    for (const auto& [a, b] : {std::pair{1, 0}, {1, 1}, {3, -4}, {10, 24}, {0, 200}}) {
        double distance = 0;
        for (std::ptrdiff_t i = std::min(0, a); i < std::ssize(density) + std::max(0, a); ++i) {
            for (std::ptrdiff_t j = std::min(0, b); j < std::ssize(density) + std::max(0, b); ++j) {
                distance += std::abs(at(i) * at(j) - at(i - a) * at(j - b)) / 2;
            }
        }
        EXPECT_LE(distance, 1.09 / size * std::hypot(a, b)) << a << ' ' << b;
        EXPECT_GT(distance, 0);
    }
}

/// What is stated of a reply is what is left when its low bits are gone.
TEST(NoiseOfLayers, WhatBitsLeaveIsSmallAndPositive) {
    const NoiseModel noise = model_of({50});
    for (const double budget : {0.3, 0.7, 3.5, 12.0}) {
        const auto dropped = noise.droppable_bits(budget);
        const double left = noise.budget_without_bits(budget, dropped);
        EXPECT_GT(left, 0) << budget;
        EXPECT_LE(left, budget) << budget;
        EXPECT_EQ(noise.budget_without_bits(budget, {0, 0}), budget);
        EXPECT_LT(noise.budget_without_bits(budget, {dropped[0] + 3, dropped[1]}), left);
    }
}

/// Half of what a budget leaves of Q / (2t) for each part.
TEST(NoiseOfLayers, AReplyLeavesOutNoMoreBitsThanItsBudgetHas) {
    const NoiseModel noise = model_of({50});
    EXPECT_EQ(noise.droppable_bits(0.4), (std::array<int, 2>{0, 0}));
    std::array<int, 2> before{0, 0};
    for (const double budget : {0.5, 1.0, 3.0, 10.0, 29.0}) {
        const std::array<int, 2> bits = noise.droppable_bits(budget);
        const double limit = std::exp2(50 - 1 - log_t);
        const double left = limit * (1 - std::exp2(-budget));
        // An error of deviation 2^d / sqrt(12) in every coefficient of c_1, times s.
        const double times_secret = std::exp2(bits[1]) * 14 * std::sqrt(8192 * (2.0 / 3.0) / 12);
        EXPECT_LE(std::exp2(bits[0] - 1) + times_secret, left) << budget;
        EXPECT_GE(std::exp2(bits[0] - 1) * 2 + times_secret * 2.2, left / 2) << budget;
        EXPECT_GE(bits[0], before[0]);
        EXPECT_GE(bits[1], before[1]);
        before = bits;
    }
}

}  // namespace
}  // namespace lacuna
