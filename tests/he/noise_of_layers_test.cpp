// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "he/noise.h"

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
    const NoiseModel::RowNorms norms{1000, 40, 60, 50};
    EXPECT_NEAR(noise.log_bound(noise.sum_of_fresh(fresh, norms)), noise.log_bound(fresh) + std::log2(40),
                0.01);
    const NoiseEstimate product = noise.multiply(fresh, fresh);
    const NoiseEstimate any = noise.sum_of_any(product, norms);
    const NoiseEstimate products = noise.sum_of_products(product, norms);
    EXPECT_NEAR(noise.log_bound(any), noise.log_bound(product) + std::log2(1000), 0.01);
    EXPECT_NEAR(noise.log_bound(products), noise.log_bound(product) + std::log2(60), 0.01);
    // Where nothing is known of the products, it is the sum of anything.
    EXPECT_EQ(noise.log_bound(noise.sum_of_products(product, {1000, 40, 1000, 1000})), noise.log_bound(any));
    // The constants' roundings add up by |w|, whatever the noise does.
    const NoiseModel::RowNorms cancelling{1000, 0, 0, 0};
    EXPECT_GE(bound(noise, noise.sum_of_products(product, cancelling)), 500 * (1 - 1e-9));
}

/// Squares that cancel in a sum leave t times their biases' roundings times their noise.
TEST(NoiseOfLayers, SumsOfUnscaledSquaresKeepTheirBiases) {
    const NoiseModel noise = model_of();
    const NoiseEstimate fresh = noise.fresh_symmetric();
    const NoiseEstimate square = noise.square_unscaled(fresh);
    const NoiseEstimate sum = noise.sum_of_unscaled_squares(square, fresh, {100, 10, 0, 0});
    EXPECT_GE(noise.log_bound(sum), log_t + std::log2(100) + noise.log_bound(fresh));
    const NoiseEstimate more = noise.sum_of_unscaled_squares(square, fresh, {100, 10, 30, 20});
    EXPECT_GE(noise.log_bound(more), noise.log_bound(square) + std::log2(30));
    // At a lower level the biases are scaled down with Q, and what the constant adds at this one is left.
    const NoiseEstimate lower =
        noise.sum_of_unscaled_squares(noise.mod_switch_to(square, 2), fresh, {100, 10, 0, 0});
    EXPECT_LT(noise.log_bound(lower), noise.log_bound(sum) - 20);
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
        const double hidden = noise.log_bound(product);
        const double log_distance =
            hidden - (flooding.bits + 1) + 13 + std::log2(static_cast<double>(ciphertexts));
        EXPECT_LE(log_distance, -41);
        EXPECT_GT(log_distance, -43);
        EXPECT_GE(noise.log_bound(flooding.estimate), flooding.bits);
        EXPECT_LE(noise.log_bound(flooding.estimate), flooding.bits + 0.01);
        // The rounding of a switch adds to the bound, not to a variance.
        const NoiseEstimate switched = noise.mod_switch_flooded(flooding.estimate, 1);
        NoiseEstimate nothing = product;
        nothing.log_sigma = -100;
        EXPECT_GE(bound(noise, switched), bound(noise, flooding.estimate) / std::exp2(100) +
                                              bound(noise, noise.mod_switch_to(nothing, 1)) * (1 - 1e-9));
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
        NoiseEstimate times_secret;
        times_secret.log_sigma = bits[1] + 0.5 * std::log2(8192 * (2.0 / 3.0) / 12);
        EXPECT_LE(std::exp2(bits[0] - 1) + bound(noise, times_secret), left) << budget;
        EXPECT_GE(std::exp2(bits[0] - 1) * 2 + bound(noise, times_secret) * 2, left / 2) << budget;
        EXPECT_GE(bits[0], before[0]);
        EXPECT_GE(bits[1], before[1]);
        before = bits;
    }
}

}  // namespace
}  // namespace lacuna
