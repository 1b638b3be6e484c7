// SPDX-License-Identifier: Apache-2.0
//
// The noise model against the noise itself, modulo x^k - b.
#include <lacuna/he/fv/noise.h>

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/binomial_encoder.h>
#include "tests/he/fv/binomial_fixture.h"

namespace lacuna::testing {
namespace {

class BinomialNoiseTest : public BinomialTest {};

INSTANTIATE_TEST_SUITE_P(Settings, BinomialNoiseTest,
                         ::testing::Range(std::size_t{0}, binomial_settings().size()), binomial_setting_name);

TEST_P(BinomialNoiseTest, NoisePredictionsBoundMeasurements) {
    const NoiseModel model(resolve(binomial_settings()[GetParam()].parameters), t.log_norm());
    const auto expect_bounded = [&](const NoiseEstimate& estimate, const Ciphertext& ciphertext,
                                    const char* what, double most) {
        const double measured = scheme.decryptor.noise_budget(ciphertext);
        const double predicted = model.budget(estimate);
        EXPECT_LE(predicted, measured) << what;
        EXPECT_LT(measured - predicted, most) << what;
        EXPECT_GT(measured, 0.2) << what;
    };
    // n sets how far the largest of n coefficients stays below the bound of 14.5 deviations: bits for 16.
    const double slack = 6;
    const Evaluator& evaluator = scheme.evaluator;
    const NoiseEstimate symmetric = model.fresh_symmetric();
    const NoiseEstimate asymmetric = model.fresh_public();
    for (int i = 0; i < 10; ++i) {
        expect_bounded(symmetric, scheme.encryptor.encrypt(i % 2 == 0 ? a : ring.extreme(i % 4 == 1)),
                       "symmetric", slack);
        expect_bounded(asymmetric, scheme.public_encryptor.encrypt(b), "public", slack);
    }
    expect_bounded(model.add_plain(symmetric), evaluator.add_plain(encrypted_a, b), "add_plain", slack);
    expect_bounded(model.multiply_plain(asymmetric, spectral_norm(a)),
                   evaluator.multiply_plain(encrypted_b, a), "multiply_plain", slack + 4);
    const NoiseEstimate product = model.multiply(symmetric, asymmetric);
    const Ciphertext multiplied = evaluator.multiply(encrypted_a, encrypted_b);
    expect_bounded(product, multiplied, "multiply", slack + 2);
    expect_bounded(model.relinearize(product), evaluator.relinearize(multiplied, relin), "relinearize",
                   slack + 2);
    expect_bounded(model.square_unscaled(symmetric), evaluator.square_unscaled(encrypted_a),
                   "square_unscaled", slack + 4);
    const NoiseEstimate switched = model.mod_switch_to(model.relinearize(product), encrypted_a.limbs() - 1);
    expect_bounded(switched, evaluator.mod_switch(evaluator.relinearize(multiplied, relin)), "mod_switch",
                   slack + 2);
}

/// shared figures of the slow program: n = 8192, log2 Q = 150, budget of fresh symmetric encryptions, and
/// what a square costs, about log2 b + 12 bits.
TEST(BinomialNoise, AgreesWithThePrototype) {
    struct Figure {
        std::size_t k;
        std::int64_t b;
        double fresh;
    };
    std::mt19937_64 random(9);
    for (const auto& [k, b, fresh] :
         {Figure{2048, 272, 137.2}, Figure{2048, 1472, 134.8}, Figure{1024, 132, 138.2}}) {
        Parameters parameters;
        parameters.n = 8192;
        parameters.data_bits = {50, 50, 50};
        parameters.special_bits = {50};
        parameters.plain_polynomials = {PlainModulus::binomial(k, b)};
        const Scheme scheme(parameters);
        const BinomialEncoder encoder(scheme.context);
        std::vector<std::int64_t> values(k);
        for (std::int64_t& value : values) {
            value = static_cast<std::int64_t>(random() % 5);
        }
        const Ciphertext x = scheme.encryptor.encrypt(encoder.encode(values));
        const double measured = scheme.decryptor.noise_budget(x);
        EXPECT_NEAR(measured, fresh, 0.5) << b;
        const Ciphertext square =
            scheme.evaluator.relinearize(scheme.evaluator.square(x), scheme.generator.relin_keys());
        const double after = scheme.decryptor.noise_budget(square);
        EXPECT_NEAR(measured - after, std::log2(static_cast<double>(b)) + 12, 2) << b;
        const std::vector<std::int64_t> decoded = encoder.decode_words(scheme.decryptor.decrypt(square));
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(decoded[j], values[j] * values[j]);
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
