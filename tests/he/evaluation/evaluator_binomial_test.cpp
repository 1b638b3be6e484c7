// SPDX-License-Identifier: Apache-2.0
//
// The scheme modulo x^k - b against schoolbook arithmetic over the integers.
#include <lacuna/he/evaluation/evaluator.h>

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/rotation.h>
#include <lacuna/ntt/error.h>
#include "tests/he/fv/binomial_fixture.h"

namespace lacuna::testing {
namespace {

class BinomialEvaluatorTest : public BinomialTest {};

INSTANTIATE_TEST_SUITE_P(Settings, BinomialEvaluatorTest,
                         ::testing::Range(std::size_t{0}, binomial_settings().size()), binomial_setting_name);

TEST_P(BinomialEvaluatorTest, AddsSubtractsAndNegatesAtEveryLevelAndForm) {
    const BinomialRing::Element minus_b = ring.scale(value_b, -1);
    for (std::size_t limbs = scheme.context.ring().max_limbs(); limbs >= 1; --limbs) {
        if (scheme.context.ring().log_q(limbs) < t.log_bound() + 22) {
            break;
        }
        const Ciphertext x = scheme.evaluator.mod_switch_to(encrypted_a, limbs);
        const Ciphertext y = scheme.evaluator.mod_switch_to(encrypted_b, limbs);
        EXPECT_EQ(decrypt(x), value_a);
        EXPECT_EQ(decrypt(scheme.evaluator.add(x, y)), ring.add(value_a, value_b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract(x, y)), ring.add(value_a, minus_b));
        EXPECT_EQ(decrypt(scheme.evaluator.negate(x)), ring.scale(value_a, -1));
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(x, b)), ring.add(value_a, value_b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract_plain(x, b)), ring.add(value_a, minus_b));
        const Ciphertext x_ntt = scheme.evaluator.to_ntt(x);
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(x_ntt, b)), ring.add(value_a, value_b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract_plain(x_ntt, b)), ring.add(value_a, minus_b));
        EXPECT_EQ(scheme.evaluator.to_coefficients(scheme.evaluator.add_plain(x_ntt, b)),
                  scheme.evaluator.add_plain(x, b));
    }
}

TEST_P(BinomialEvaluatorTest, MultipliesByPlaintextsMonomialsAndSparsePolynomials) {
    const Evaluator& evaluator = scheme.evaluator;
    const BinomialRing::Element product = ring.multiply(value_a, value_b);
    EXPECT_EQ(decrypt(evaluator.multiply_plain(encrypted_a, b)), product);
    const PreparedPlaintext prepared = evaluator.prepare(b, encrypted_a.limbs());
    EXPECT_EQ(decrypt(evaluator.multiply_prepared(evaluator.to_ntt(encrypted_a), prepared)), product);
    for (const bool negative : {false, true}) {
        const Plaintext extreme = ring.extreme(negative);
        EXPECT_EQ(decrypt(evaluator.multiply_plain(encrypted_a, extreme)),
                  ring.multiply(value_a, ring.element(extreme)));
    }
    for (const std::size_t exponent : {std::size_t{0}, std::size_t{1}, n / 2, n - 1, n, 2 * n - 1}) {
        for (const std::int64_t c : {std::int64_t{1}, std::int64_t{-8}, std::int64_t{12345}}) {
            const BinomialRing::Element expected = ring.scale(ring.shift(value_a, exponent), c);
            EXPECT_EQ(decrypt(evaluator.multiply_monomial(encrypted_a, {c, exponent})), expected);
        }
    }
    EXPECT_EQ(decrypt(evaluator.multiply_scalar(encrypted_a, -77)), ring.scale(value_a, -77));
    const std::array<Monomial, 3> terms = {{{3, 1}, {-1, n + 2}, {64, 0}}};
    BinomialRing::Element expected(t.power());
    for (const Monomial& term : terms) {
        expected = ring.add(expected, ring.scale(ring.shift(value_a, term.exponent),
                                                 mpz_class(static_cast<long>(term.coefficient))));
    }
    EXPECT_EQ(decrypt(evaluator.multiply_sparse(encrypted_a, terms)), expected);
}

TEST_P(BinomialEvaluatorTest, MultipliesAndSquaresScaledAndUnscaled) {
    const Evaluator& evaluator = scheme.evaluator;
    const BinomialRing::Element product = ring.multiply(value_a, value_b);
    const BinomialRing::Element square = ring.multiply(value_a, value_a);
    for (const std::size_t drop : {std::size_t{0}, std::size_t{1}}) {
        const Ciphertext multiplied = evaluator.multiply(encrypted_a, encrypted_b, drop);
        EXPECT_EQ(multiplied.limbs(), encrypted_a.limbs() - drop);
        EXPECT_EQ(decrypt(multiplied), product);
        EXPECT_EQ(decrypt(evaluator.relinearize(multiplied, relin)), product);
        EXPECT_EQ(decrypt(evaluator.square(encrypted_a, drop)), square);
        EXPECT_EQ(evaluator.square(Ciphertext(encrypted_a), drop), evaluator.square(encrypted_a, drop));
        // -Q m^2, for Q of the level of the operand.
        const Ciphertext unscaled = evaluator.square_unscaled(encrypted_a, drop);
        const mpz_class factor = -scheme.context.plain().q_modulo_slots(encrypted_a.limbs());
        EXPECT_EQ((factor + scheme.context.ring().data().product()) % ring.p(), 0);
        EXPECT_EQ(decrypt(unscaled), ring.scale(square, factor));
        EXPECT_EQ(decrypt(evaluator.relinearize(unscaled, relin)), ring.scale(square, factor));
    }
    // The largest products that there are.
    for (const bool negative : {false, true}) {
        const Plaintext extreme = ring.extreme(negative);
        const BinomialRing::Element value = ring.element(extreme);
        EXPECT_EQ(decrypt(evaluator.square(scheme.encryptor.encrypt(extreme))), ring.multiply(value, value));
    }
}

TEST_P(BinomialEvaluatorTest, RotatesByTheGroupThatFixesTheModulus) {
    const Evaluator& evaluator = scheme.evaluator;
    const int k = static_cast<int>(t.power());
    std::vector<int> steps = {0};
    for (const int step : {1, -1, 3, k / 2, k - 1}) {
        if (step > -k && step < k) {
            steps.push_back(step);
        }
    }
    const GaloisKeys keys = scheme.generator.galois_keys_for(rotation_elements(scheme.context.n(), t, steps));
    const std::vector<Ciphertext> hoisted = evaluator.rotate_rows_hoisted(encrypted_a, steps, keys);
    std::vector<PreparedPlaintext> weights;
    std::vector<Evaluator::RotatedTerm> terms;
    BinomialRing::Element sum(t.power());
    weights.reserve(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::uint32_t element = rotation_element(n, t, steps[i]);
        EXPECT_EQ(element % (2 * n / t.power()), 1U);
        const BinomialRing::Element turned = ring.automorphism(value_a, element);
        EXPECT_EQ(decrypt(evaluator.rotate_rows(encrypted_a, steps[i], keys)), turned);
        EXPECT_EQ(decrypt(hoisted[i]), turned);
        const Plaintext weight = ring.random_plaintext(random);
        weights.push_back(evaluator.prepare_for_rotations(weight, encrypted_a.limbs()));
        terms.push_back({steps[i], &weights.back()});
        sum = ring.add(sum, ring.multiply(turned, ring.element(weight)));
    }
    EXPECT_EQ(decrypt(evaluator.sum_of_rotated_products(encrypted_a, terms, keys)), sum);
    EXPECT_THROW((void)evaluator.rotate_rows(encrypted_a, k, keys), Error);
    EXPECT_THROW((void)evaluator.rotate_columns(encrypted_a, keys), Error);
}

}  // namespace
}  // namespace lacuna::testing
