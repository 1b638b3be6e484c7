// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/evaluator.h>

#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/ntt/error.h>
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

class EvaluatorTest : public SchemeTest {};

INSTANTIATE_TEST_SUITE_P(Parameters, EvaluatorTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

TEST_P(EvaluatorTest, AddsSubtractsAndNegatesAtEveryLevelAndForm) {
    for (std::size_t limbs = scheme.context.ring().max_limbs(); limbs >= 1; --limbs) {
        if (scheme.context.ring().log_q(limbs) < std::log2(static_cast<double>(t)) + 22) {
            break;
        }
        const Ciphertext x = scheme.evaluator.mod_switch_to(encrypted_a, limbs);
        const Ciphertext y = scheme.evaluator.mod_switch_to(encrypted_b, limbs);
        EXPECT_EQ(decrypt(x), a);
        EXPECT_EQ(decrypt(scheme.evaluator.add(x, y)), ring_add(a, b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract(x, y)), ring_add(a, ring_negate(b)));
        EXPECT_EQ(decrypt(scheme.evaluator.negate(x)), ring_negate(a));
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(x, b)), ring_add(a, b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract_plain(x, b)), ring_add(a, ring_negate(b)));
        const Ciphertext x_ntt = scheme.evaluator.to_ntt(x);
        const Ciphertext y_ntt = scheme.evaluator.to_ntt(y);
        EXPECT_EQ(decrypt(x_ntt), a);
        EXPECT_EQ(decrypt(scheme.evaluator.add(x_ntt, y_ntt)), ring_add(a, b));
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(x_ntt, b)), ring_add(a, b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract_plain(x_ntt, b)), ring_add(a, ring_negate(b)));
        EXPECT_EQ(scheme.evaluator.to_coefficients(x_ntt), x);
    }
}

TEST_P(EvaluatorTest, WorksInTheStorageOfOperandsThatAreGivenAway) {
    const Evaluator& evaluator = scheme.evaluator;
    const PreparedPlaintext prepared = evaluator.prepare(b, encrypted_a.limbs());
    const auto storage = [](const Ciphertext& x) {
        std::vector<const std::uint64_t*> words;
        for (const RnsPolynomial& part : x.parts) {
            words.push_back(part.limb(0));
        }
        return words;
    };
    for (const Form form : {Form::coefficient, Form::ntt}) {
        const auto in_form = [&](const Ciphertext& x) { return form == Form::ntt ? evaluator.to_ntt(x) : x; };
        const Ciphertext x = in_form(encrypted_a);
        const Ciphertext y = in_form(encrypted_b);
        Ciphertext sum = x;
        const auto before = storage(sum);
        sum = evaluator.add(std::move(sum), y);
        EXPECT_EQ(sum, evaluator.add(x, y));
        EXPECT_EQ(storage(sum), before);
        const Ciphertext once = sum;
        sum = evaluator.add(std::move(sum), sum);  // both operands the same object
        EXPECT_EQ(sum, evaluator.add(once, once));
        sum = evaluator.add_plain(std::move(sum), a);
        sum = evaluator.subtract_plain(std::move(sum), b);
        EXPECT_EQ(decrypt(sum),
                  ring_add(ring_add(ring_add(a, b), ring_add(a, b)), ring_add(a, ring_negate(b))));
        if (form == Form::ntt) {
            const Ciphertext expected = evaluator.multiply_prepared(std::as_const(sum), prepared);
            sum = evaluator.multiply_prepared(std::move(sum), prepared);
            EXPECT_EQ(sum, expected);
        }
        EXPECT_EQ(storage(sum), before);
    }
    // A longer summand brings its last part along.
    const Ciphertext square = evaluator.square(encrypted_a);
    EXPECT_EQ(evaluator.add(Ciphertext(encrypted_b), square), evaluator.add(encrypted_b, square));
    EXPECT_EQ(evaluator.add(Ciphertext(square), encrypted_b), evaluator.add(square, encrypted_b));
}

TEST_P(EvaluatorTest, MultipliesByPlaintexts) {
    EXPECT_EQ(decrypt(scheme.evaluator.multiply_plain(encrypted_a, b)), ring_multiply(a, b));
    const std::size_t limbs = encrypted_a.limbs();
    const PreparedPlaintext prepared = scheme.evaluator.prepare(b, limbs);
    EXPECT_EQ(decrypt(scheme.evaluator.multiply_prepared(scheme.evaluator.to_ntt(encrypted_a), prepared)),
              ring_multiply(a, b));
    for (const std::uint64_t value : {t / 2, t / 2 + 1, t - 1}) {
        const Plaintext constant = constant_plaintext(n, t, value);
        EXPECT_EQ(decrypt(scheme.evaluator.multiply_plain(encrypted_a, constant)),
                  ring_multiply(a, constant));
    }
}

TEST_P(EvaluatorTest, MultipliesByMonomialsScalarsAndSparsePolynomials) {
    const Modulus modulus(t);
    for (const std::size_t exponent : {std::size_t{0}, std::size_t{1}, n / 2, n - 1, n, n + 3, 2 * n - 1}) {
        for (const std::int64_t c :
             {std::int64_t{1}, std::int64_t{-1}, std::int64_t{8}, std::int64_t{-12345}}) {
            Plaintext monomial(n, t);
            monomial[exponent % n] = modulus.reduce_signed(exponent < n ? c : -c);
            const Plaintext expected = ring_multiply(a, monomial);
            const Ciphertext product = scheme.evaluator.multiply_monomial(encrypted_a, {c, exponent});
            EXPECT_EQ(decrypt(product), expected);
            EXPECT_EQ(scheme.evaluator.to_coefficients(scheme.evaluator.multiply_monomial(
                          scheme.evaluator.to_ntt(encrypted_a), {c, exponent})),
                      product);
        }
    }
    EXPECT_EQ(decrypt(scheme.evaluator.multiply_scalar(encrypted_a, -3)), ring_multiply(a, [&] {
                  Plaintext p(n, t);
                  p[0] = t - 3;
                  return p;
              }()));
    const std::vector<Monomial> terms = {{3, 0}, {-4, 5}, {1, n + 2}, {16, 2 * n - 1}};
    Plaintext sparse(n, t);
    for (const Monomial& term : terms) {
        const std::uint64_t c =
            modulus.reduce_signed(term.exponent < n ? term.coefficient : -term.coefficient);
        sparse[term.exponent % n] = modulus.add(sparse[term.exponent % n], c);
    }
    EXPECT_EQ(decrypt(scheme.evaluator.multiply_sparse(encrypted_a, terms)), ring_multiply(a, sparse));
}

TEST_P(EvaluatorTest, MultipliesSquaresAndRelinearisesAtEveryLevelThatHasRoom) {
    const double log_t = std::log2(static_cast<double>(t));
    for (std::size_t limbs = encrypted_a.limbs(); limbs >= 1; --limbs) {
        if (scheme.context.ring().log_q(limbs) < 2 * log_t + 35) {
            break;
        }
        const Ciphertext x = scheme.evaluator.mod_switch_to(encrypted_a, limbs);
        const Ciphertext y = scheme.evaluator.mod_switch_to(encrypted_b, limbs);
        const Ciphertext product = scheme.evaluator.multiply(x, y);
        EXPECT_EQ(product.size(), 3u);
        EXPECT_EQ(decrypt(product), ring_multiply(a, b));
        EXPECT_EQ(decrypt(scheme.evaluator.to_ntt(product)), ring_multiply(a, b));
        EXPECT_EQ(decrypt(scheme.evaluator.relinearize(product, relin)), ring_multiply(a, b));
        const Ciphertext square = scheme.evaluator.square(x);
        EXPECT_EQ(square, scheme.evaluator.multiply(x, x));
        EXPECT_EQ(square, scheme.evaluator.square(Ciphertext(x)));
        EXPECT_EQ(decrypt(scheme.evaluator.relinearize(square, relin)), ring_multiply(a, a));
        // Size 3 joins size 2 in linear operations.
        EXPECT_EQ(decrypt(scheme.evaluator.add(x, product)), ring_add(a, ring_multiply(a, b)));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract(x, product)),
                  ring_add(a, ring_negate(ring_multiply(a, b))));
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(product, b)), ring_add(b, ring_multiply(a, b)));
        EXPECT_THROW((void)scheme.evaluator.square(x, 2), Error);
        if (limbs > 1 && scheme.context.ring().log_q(limbs - 1) > 2 * log_t + 35) {
            const Ciphertext dropped = scheme.evaluator.square(x, 1);
            EXPECT_EQ(dropped.limbs(), limbs - 1);
            EXPECT_EQ(decrypt(dropped), ring_multiply(a, a));
            EXPECT_EQ(dropped, scheme.evaluator.multiply(x, x, 1));
            EXPECT_EQ(dropped, scheme.evaluator.square(Ciphertext(x), 1));
            EXPECT_EQ(decrypt(scheme.evaluator.mod_switch(product)), ring_multiply(a, b));
        }
    }
}

TEST_P(EvaluatorTest, SquaresUnscaledUpToTheirFactor) {
    const Ring& ring = scheme.context.ring();
    const Modulus modulus(t);
    const double log_t = std::log2(static_cast<double>(t));
    const double log_n = std::log2(static_cast<double>(n));
    for (std::size_t limbs = encrypted_a.limbs(); limbs >= 1; --limbs) {
        // Fresh, or as noisy as switching leaves it: about sqrt(n).
        if (ring.log_q(limbs) < 2 * log_t + 2 * log_n + 25) {
            break;
        }
        const Ciphertext x = scheme.evaluator.mod_switch_to(encrypted_a, limbs);
        const std::uint64_t q = residue(ring.data().prefix(limbs).product(), modulus);
        Plaintext expected = ring_multiply(a, a);
        for (std::size_t j = 0; j < n; ++j) {
            expected[j] = modulus.multiply(modulus.negate(q), expected[j]);
        }
        const Ciphertext square = scheme.evaluator.square_unscaled(x);
        EXPECT_EQ(square.size(), 3U);
        EXPECT_EQ(square.limbs(), limbs);
        EXPECT_EQ(decrypt(square), expected);
        EXPECT_EQ(decrypt(scheme.evaluator.relinearize(square, relin)), expected);
        EXPECT_THROW((void)scheme.evaluator.square_unscaled(x, 2), Error);
        EXPECT_THROW((void)scheme.evaluator.square_unscaled(square), Error);
        EXPECT_THROW((void)scheme.evaluator.square_unscaled(scheme.evaluator.to_ntt(x)), Error);
        if (limbs > 1 && ring.log_q(limbs - 1) > 2 * log_t + 35) {
            EXPECT_EQ(scheme.evaluator.square_unscaled(x, 1), scheme.evaluator.mod_switch(square));
        }
    }
}

TEST_P(EvaluatorTest, SurvivesWorstCaseMessagesUnderMultiplication) {
    for (const std::uint64_t value : {t / 2, t / 2 + 1, t - 1}) {
        const Plaintext constant = constant_plaintext(n, t, value);
        const Ciphertext x = scheme.encryptor.encrypt(constant);
        EXPECT_EQ(decrypt(scheme.evaluator.square(x)), ring_multiply(constant, constant));
    }
}

TEST_P(EvaluatorTest, RotatesAsTheAutomorphismDoes) {
    const std::vector<int> steps = {1, -1, 3, static_cast<int>(n / 4)};
    const GaloisKeys keys = scheme.generator.galois_keys(steps, true, 2);
    const std::vector<Ciphertext> hoisted = scheme.evaluator.rotate_rows_hoisted(encrypted_a, steps, keys);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Plaintext expected = ring_automorphism(a, rotation_element(n, steps[i]));
        EXPECT_EQ(decrypt(hoisted[i]), expected);
        EXPECT_EQ(hoisted[i], scheme.evaluator.rotate_rows(encrypted_a, steps[i], keys));
    }
    EXPECT_EQ(decrypt(scheme.evaluator.rotate_columns(encrypted_a, keys)),
              ring_automorphism(a, row_swap_element(n)));
    EXPECT_EQ(scheme.evaluator.rotate_rows(encrypted_a, 0, keys), encrypted_a);
    if (encrypted_a.limbs() > 2 && std::log2(static_cast<double>(t)) < 25) {
        const Ciphertext low = scheme.evaluator.mod_switch_to(encrypted_a, 2);
        EXPECT_EQ(decrypt(scheme.evaluator.rotate_rows(low, 3, keys)),
                  ring_automorphism(a, rotation_element(n, 3)));
    }
}

TEST_P(EvaluatorTest, SumsRotatedProductsWithOneDivision) {
    const std::vector<int> steps = {0, 1, 3};
    const GaloisKeys keys = scheme.generator.galois_keys(steps);
    std::vector<PreparedPlaintext> prepared;
    std::vector<Evaluator::RotatedTerm> terms;
    Plaintext expected(n, t);
    for (const int step : steps) {
        const Plaintext weight = random_plaintext(n, t, random);
        prepared.push_back(scheme.evaluator.prepare_for_rotations(weight, encrypted_a.limbs()));
        expected = ring_add(expected, ring_multiply(ring_automorphism(a, rotation_element(n, step)), weight));
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        terms.push_back({steps[i], &prepared[i]});
    }
    EXPECT_EQ(decrypt(scheme.evaluator.sum_of_rotated_products(encrypted_a, terms, keys)), expected);
}

TEST_P(EvaluatorTest, RefusesOperandsThatDoNotFit) {
    const Ciphertext product = scheme.evaluator.multiply(encrypted_a, encrypted_b);
    EXPECT_THROW((void)scheme.evaluator.multiply(product, encrypted_a), Error);
    const Ciphertext square_of_square = scheme.evaluator.square(product);
    ASSERT_EQ(square_of_square.size(), 5U);
    EXPECT_THROW((void)scheme.evaluator.square(square_of_square), Error);
    const GaloisKeys keys = scheme.generator.galois_keys(std::vector<int>{1});
    EXPECT_THROW((void)scheme.evaluator.rotate_rows(product, 1, keys), Error);
    EXPECT_THROW((void)scheme.evaluator.rotate_rows(encrypted_a, 2, keys), Error);
    EXPECT_THROW((void)scheme.evaluator.rotate_columns(encrypted_a, keys), Error);
    EXPECT_THROW((void)scheme.evaluator.multiply(scheme.evaluator.to_ntt(encrypted_a), encrypted_b), Error);
    EXPECT_THROW((void)scheme.evaluator.add(scheme.evaluator.mod_switch(encrypted_a), encrypted_b), Error);
    EXPECT_THROW((void)scheme.evaluator.mod_switch_to(encrypted_a, 0), Error);
    EXPECT_THROW((void)scheme.evaluator.multiply_monomial(encrypted_a, {1, 2 * n}), Error);
    EXPECT_THROW((void)scheme.evaluator.add_plain(encrypted_a, Plaintext(n, t + 1)), Error);
    const Scheme other(small_parameters(n, {49, 48}, {49}, {65537}));
    EXPECT_THROW((void)other.evaluator.add(encrypted_a, encrypted_a), Error);
    EXPECT_THROW((void)other.decryptor.decrypt(encrypted_a), Error);
    EXPECT_THROW(Decryptor(other.context, scheme.generator.secret_key()), Error);
}

TEST_P(EvaluatorTest, RefusesPlaintextsBeyondTheirModulus) {
    const auto message = [](const auto& call) {
        try {
            (void)call();
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    const Ciphertext in_ntt_form = scheme.evaluator.to_ntt(encrypted_a);
    for (const std::uint64_t value :
         {t, t + 1, std::uint64_t{1} << 50, std::uint64_t{1} << 63, ~t, ~std::uint64_t{0}}) {
        for (const std::size_t place : {std::size_t{0}, n - 1}) {
            Plaintext beyond = b;
            beyond[place] = value;
            for (const std::string& text : {
                     message([&] { return scheme.evaluator.add_plain(encrypted_a, beyond); }),
                     message([&] { return scheme.evaluator.add_plain(in_ntt_form, beyond); }),
                     message([&] { return scheme.evaluator.subtract_plain(encrypted_a, beyond); }),
                     message([&] { return scheme.evaluator.multiply_plain(encrypted_a, beyond); }),
                     message([&] { return scheme.evaluator.prepare(beyond, 1); }),
                     message([&] { return scheme.evaluator.prepare_for_rotations(beyond, 1); }),
                     message([&] { return scheme.encryptor.encrypt(beyond); }),
                     message([&] { return scheme.encryptor.encrypt_seeded(beyond); }),
                     message([&] { return scheme.public_encryptor.encrypt(beyond); }),
                 }) {
                EXPECT_NE(text.find("below the plaintext modulus " + std::to_string(t) +
                                    ", found another at x^" + std::to_string(place)),
                          std::string::npos)
                    << text;
            }
        }
    }
    Plaintext largest = b;
    largest[0] = t - 1;
    EXPECT_EQ(decrypt(scheme.evaluator.add_plain(encrypted_a, largest)), ring_add(a, largest));
}

TEST(EvaluatorKeys, PreparedPlaintextsOfAnotherDegreeAreRefused) {
    const Scheme scheme(small_parameters(128, {50, 50}, {50}, {257}));
    const Scheme smaller(small_parameters(64, {50, 50}, {50}, {257}));
    const PreparedPlaintext prepared = smaller.evaluator.prepare(constant_plaintext(64, 257, 3), 2);
    const Ciphertext x = scheme.encryptor.encrypt(constant_plaintext(128, 257, 3));
    EXPECT_THROW((void)scheme.evaluator.multiply_prepared(scheme.evaluator.to_ntt(x), prepared), Error);
    const GaloisKeys galois = scheme.generator.galois_keys(std::vector<int>{1});
    const PreparedPlaintext short_one =
        smaller.evaluator.prepare_for_rotations(constant_plaintext(64, 257, 3), 2);
    const std::vector<Evaluator::RotatedTerm> terms = {{0, &short_one}};
    EXPECT_THROW((void)scheme.evaluator.sum_of_rotated_products(x, terms, galois), Error);
}

TEST(EvaluatorKeys, ServeEveryPlaintextModulus) {
    const Scheme scheme(small_parameters(64, {50, 50, 50}, {50}, {7681, 12289, 257 * 3}));
    const RelinKeys relin = scheme.generator.relin_keys(2);
    std::mt19937_64 random(3);
    for (std::size_t i = 0; i < scheme.context.plain_count(); ++i) {
        const Plaintext a = random_plaintext(64, scheme.context.plain(i).modulus().value(), random);
        const Ciphertext x = scheme.encryptor.encrypt(a);
        EXPECT_EQ(scheme.decryptor.decrypt(scheme.evaluator.relinearize(scheme.evaluator.square(x), relin)),
                  ring_multiply(a, a));
    }
}

TEST(EvaluatorLargeRings, WorkUpTo32768) {
    for (const auto& [n, data] : {std::pair<std::size_t, int>{8192, 3}, {16384, 7}, {32768, 16}}) {
        Parameters parameters;
        parameters.n = n;
        parameters.data_bits.assign(static_cast<std::size_t>(data), 50);
        parameters.special_bits = {50};
        parameters.plain_bits = {20};
        const Scheme scheme(parameters);
        const BatchEncoder encoder(scheme.context);
        const RelinKeys relin = scheme.generator.relin_keys(2);
        const GaloisKeys galois = scheme.generator.galois_keys(std::vector<int>{5}, true, 2);
        std::mt19937_64 random(n);
        std::vector<std::int64_t> values(n);
        for (std::int64_t& value : values) {
            value = static_cast<std::int64_t>(random() % 1000) - 500;
        }
        const Ciphertext x = scheme.encryptor.encrypt(encoder.encode(values));
        const Ciphertext y = scheme.evaluator.relinearize(scheme.evaluator.multiply(x, x), relin);
        const std::vector<std::int64_t> squares = encoder.decode(scheme.decryptor.decrypt(y));
        const std::vector<std::int64_t> rotated =
            encoder.decode(scheme.decryptor.decrypt(scheme.evaluator.rotate_rows(x, 5, galois)));
        const std::vector<std::int64_t> swapped =
            encoder.decode(scheme.decryptor.decrypt(scheme.evaluator.rotate_columns(x, galois)));
        for (std::size_t j = 0; j < n; ++j) {
            ASSERT_EQ(squares[j], values[j] * values[j]);
            const std::size_t row = j / (n / 2) * (n / 2);
            ASSERT_EQ(rotated[j], values[row + (j + 5) % (n / 2)]);
            ASSERT_EQ(swapped[j], values[(j + n / 2) % n]);
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
