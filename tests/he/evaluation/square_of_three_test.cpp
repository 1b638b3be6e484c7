// SPDX-License-Identifier: Apache-2.0
//
// Squares of squares that nobody relinearised: three parts in, five out.
#include <lacuna/he/evaluation/evaluator.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/noise.h>
#include <lacuna/ntt/error.h>
#include "tests/support/binomial.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

TEST(SquareOfThree, IsTheFourthPowerModuloIntegers) {
    std::mt19937_64 random(1);
    for (const std::size_t n : {16, 64, 256}) {
        for (const std::vector<int>& data : {std::vector{50}, {50, 40}, {40, 45, 50}}) {
            const Scheme scheme(small_parameters(n, data, {}, {97}));
            const Plaintext m = random_plaintext(n, 97, random);
            const Plaintext square = ring_multiply(m, m);
            const Ciphertext three = scheme.evaluator.square(scheme.encryptor.encrypt(m));
            for (std::size_t drop = 0; drop < std::min<std::size_t>(2, data.size()); ++drop) {
                const Ciphertext five = scheme.evaluator.square(three, drop);
                EXPECT_EQ(five.size(), 5U);
                EXPECT_EQ(five.limbs(), data.size() - drop);
                EXPECT_EQ(scheme.decryptor.decrypt(five), ring_multiply(square, square));
                EXPECT_EQ(scheme.evaluator.square(Ciphertext(three), drop), five) << "in place";
            }
        }
    }
}

TEST(SquareOfThree, IsTheFourthPowerModuloBinomials) {
    std::mt19937_64 random(2);
    for (const std::size_t n : {16, 64, 1024}) {
        for (const PlainModulus& t : {PlainModulus::binomial(1, 2), PlainModulus::binomial(4, 30),
                                      PlainModulus::binomial(2, -7), PlainModulus::binomial(n / 2, 1000)}) {
            Parameters parameters = small_parameters(n, {50, 50}, {}, {});
            parameters.plain_polynomials = {t};
            const Scheme scheme(parameters);
            const BinomialRing ring(n, t);
            const Plaintext m = n == 64 ? ring.extreme(false) : ring.random_plaintext(random);
            const auto square = ring.multiply(ring.element(m), ring.element(m));
            const Ciphertext fresh = scheme.encryptor.encrypt(m);
            const Ciphertext five = scheme.evaluator.square(scheme.evaluator.square(fresh));
            EXPECT_EQ(ring.element(scheme.decryptor.decrypt(five)), ring.multiply(square, square))
                << n << ' ' << to_string(t);
            // -Q m^2 of an unscaled square, and its square, without the factor.
            const Ciphertext unscaled = scheme.evaluator.square(scheme.evaluator.square_unscaled(fresh));
            const mpz_class q = scheme.context.plain().q_modulo_slots(2);
            auto expected = ring.multiply(square, square);
            for (mpz_class& c : expected) {
                c = c * q * q % ring.p();
            }
            EXPECT_EQ(ring.element(scheme.decryptor.decrypt(unscaled)), expected) << n << ' ' << to_string(t);
        }
    }
}

TEST(SquareOfThree, LinearOperationsTakeFiveParts) {
    std::mt19937_64 random(3);
    constexpr std::size_t n = 64;
    const Scheme scheme(small_parameters(n, {50, 50}, {}, {97}));
    const Evaluator& evaluator = scheme.evaluator;
    const Plaintext m = random_plaintext(n, 97, random);
    const Ciphertext five = evaluator.square(evaluator.square(scheme.encryptor.encrypt(m)));
    const Plaintext fourth = scheme.decryptor.decrypt(five);
    EXPECT_EQ(scheme.decryptor.decrypt(evaluator.add(five, scheme.encryptor.encrypt(m))),
              ring_add(fourth, m));
    EXPECT_EQ(scheme.decryptor.decrypt(evaluator.add_plain(five, m)), ring_add(fourth, m));
    EXPECT_EQ(scheme.decryptor.decrypt(evaluator.mod_switch(five)), fourth);
    EXPECT_EQ(scheme.decryptor.decrypt(evaluator.to_coefficients(evaluator.to_ntt(five))), fourth);
    EXPECT_EQ(scheme.decryptor.decrypt(evaluator.to_ntt(five)), fourth);
    const SparseProduct product(n, 2, {{{0, 0, 1}, {1, 0, -1}}});
    const std::vector<Ciphertext> inputs = {five, five};
    const Plaintext zero(n, 97);
    EXPECT_EQ(scheme.decryptor.decrypt(product.apply(scheme.context, inputs).front()), zero);
}

TEST(SquareOfThree, RefusesWhatHasTooManyParts) {
    std::mt19937_64 random(4);
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {97}));
    const Evaluator& evaluator = scheme.evaluator;
    const Ciphertext three = evaluator.square(scheme.encryptor.encrypt(random_plaintext(64, 97, random)));
    const Ciphertext five = evaluator.square(three);
    const RelinKeys keys = scheme.generator.relin_keys();
    EXPECT_THROW((void)evaluator.square(five), Error);
    EXPECT_THROW((void)evaluator.square_unscaled(three), Error);
    EXPECT_THROW((void)evaluator.multiply(three, three), Error);
    EXPECT_THROW((void)evaluator.relinearize(five, keys), Error);
    Ciphertext seven = five;
    seven.parts.push_back(five.parts[0]);
    EXPECT_THROW((void)scheme.decryptor.decrypt(seven), Error);
    EXPECT_THROW((void)evaluator.add(seven, five), Error);
}

/// Fourth powers, and sums of unscaled squares squared, under keys of their own: never more noise than is
/// predicted.
TEST(SquareOfThree, NoiseStaysBelowItsPrediction) {
    std::mt19937_64 random(5);
    for (const std::size_t n : {1024, 2048}) {
        const PlainModulus t = PlainModulus::binomial(1, 2);
        Parameters parameters = small_parameters(n, {50}, {}, {});
        parameters.plain_polynomials = {t};
        const NoiseModel model(parameters, t.log_bound());
        const BinomialRing ring(n, t);
        for (const bool unscaled : {false, true}) {
            const NoiseEstimate fresh = model.fresh_symmetric();
            const NoiseEstimate first =
                unscaled ? model.square_unscaled(fresh) : model.multiply(fresh, fresh);
            const NoiseEstimate second = model.multiply(first, first);
            EXPECT_EQ(first.size, 3U);
            EXPECT_EQ(second.size, 5U);
            double least = 1e9;
            for (int key = 0; key < 12; ++key) {
                const Scheme scheme(parameters);
                const Ciphertext x = scheme.encryptor.encrypt(ring.random_plaintext(random));
                const Ciphertext y =
                    unscaled ? scheme.evaluator.square_unscaled(x) : scheme.evaluator.square(x);
                EXPECT_GE(scheme.decryptor.noise_budget(y), model.budget(first));
                least = std::min(least, scheme.decryptor.noise_budget(scheme.evaluator.square(y)));
            }
            std::cout << n << (unscaled ? ", unscaled: " : ": ") << least << " bits left, "
                      << model.budget(second) << " predicted\n";
            EXPECT_GE(least, model.budget(second));
            EXPECT_LE(least, model.budget(second) + 8) << "and the prediction is not far off";
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
