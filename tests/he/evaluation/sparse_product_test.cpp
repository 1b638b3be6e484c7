// SPDX-License-Identifier: Apache-2.0
//
// The fused layer against a loop of evaluator calls: the same words, and through decryption the same numbers.
#include <lacuna/he/evaluation/sparse_product.h>

#include <cmath>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/he/fv/binomial_fixture.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

using SparseRows = std::vector<std::vector<SparseTerm>>;

constexpr std::size_t n = 128;
constexpr std::uint64_t t = 1 << 20;

class SparseProductTest : public ::testing::Test {
  protected:
    SparseProductTest() : scheme(small_parameters(n, {50, 50, 45, 40}, {50}, {t})) {
        for (std::size_t i = 0; i < 4; ++i) {
            messages.push_back(random_plaintext(n, t, random));
            inputs.push_back(scheme.encryptor.encrypt(messages.back()));
        }
    }

    /// sum_i c_i x^k_i ct_i + bias, one evaluator call a term. |c| < t/2, so the evaluator's lift is c
    /// itself.
    [[nodiscard]] Ciphertext loop(const std::vector<SparseTerm>& row, const std::vector<Monomial>& bias,
                                  const std::vector<Ciphertext>& operands) const {
        const Evaluator& evaluator = scheme.evaluator;
        Ciphertext sum = evaluator.subtract(operands[0], operands[0]);  // zero
        for (const SparseTerm& term : row) {
            sum = evaluator.add(
                sum, evaluator.multiply_monomial(operands[term.input], {term.coefficient, term.exponent}));
        }
        for (const Monomial& term : bias) {
            Plaintext plaintext(n, t);
            const Modulus modulus(t);
            const std::uint64_t c = modulus.reduce_signed(term.coefficient);
            plaintext[term.exponent % n] = term.exponent < n ? c : modulus.negate(c);
            sum = evaluator.add_plain(sum, plaintext);
        }
        return sum;
    }

    void expect_equals_loop(const SparseRows& rows, const std::vector<std::vector<Monomial>>& bias,
                            const std::vector<Ciphertext>& operands) {
        const SparseProduct product(n, operands.size(), rows, bias);
        const std::vector<Ciphertext> outputs = product.apply(scheme.context, operands);
        ASSERT_EQ(outputs.size(), rows.size());
        for (std::size_t j = 0; j < rows.size(); ++j) {
            EXPECT_EQ(outputs[j], loop(rows[j], bias.empty() ? std::vector<Monomial>() : bias[j], operands))
                << "row " << j;
        }
        EXPECT_EQ(product.apply(scheme.context, operands, 3), outputs);
        for (const int threads : {1, 3}) {
            std::vector<Ciphertext> values = operands;
            product.transform(scheme.context, values, threads);
            EXPECT_EQ(values, outputs) << "in place, " << threads << " threads";
        }
    }

    /// From messages: what the rows stand for.
    [[nodiscard]] Plaintext expected(const std::vector<SparseTerm>& row,
                                     const std::vector<Monomial>& bias) const {
        const Modulus modulus(t);
        Plaintext sum(n, t);
        const auto add = [&](const Plaintext& message, std::int64_t coefficient, std::size_t exponent) {
            Plaintext factor(n, t);
            const std::uint64_t c = modulus.reduce_signed(coefficient);
            factor[exponent % n] = exponent < n ? c : modulus.negate(c);
            sum = ring_add(sum, ring_multiply(message, factor));
        };
        for (const SparseTerm& term : row) {
            add(messages[term.input], term.coefficient, term.exponent);
        }
        Plaintext one(n, t);
        one[0] = 1;
        for (const Monomial& term : bias) {
            add(one, term.coefficient, term.exponent);
        }
        return sum;
    }

    std::mt19937_64 random{11};
    Scheme scheme;
    std::vector<Plaintext> messages;
    std::vector<Ciphertext> inputs;
};

const SparseRows& rows_with_shifts() {
    static const SparseRows rows = {
        {{0, 0, 1}, {1, 5, -1}, {2, n + 7, 4}, {3, 2 * n - 1, -8}},
        {},
        {{2, 0, 3}, {2, 0, 3}, {2, 1, -3}, {2, n, 3}},
        {{0, n - 1, 12345}, {1, 1, -20000}, {3, 9, 16384}},
        {{1, n, 1}},
        {{0, 0, -1}},
    };
    return rows;
}

const std::vector<std::vector<Monomial>>& biases() {
    static const std::vector<std::vector<Monomial>> all = {
        {{5, 0}, {-7, 3}},
        {{1, 0}, {static_cast<std::int64_t>(t / 2), n - 1}},
        {},
        {{-9, n}, {9, n + 1}, {2, 2 * n - 1}},
        {{1, 4}, {1, 4}, {-2, n + 4}},
        {{static_cast<std::int64_t>(3 * t + 1), 0}},
    };
    return all;
}

TEST_F(SparseProductTest, EqualsTheLoopAtEveryLevel) {
    for (std::size_t limbs = 4; limbs >= 1; --limbs) {
        std::vector<Ciphertext> operands;
        for (const Ciphertext& input : inputs) {
            operands.push_back(scheme.evaluator.mod_switch_to(input, limbs));
        }
        expect_equals_loop(rows_with_shifts(), biases(), operands);
        expect_equals_loop(rows_with_shifts(), {}, operands);
    }
    const std::vector<Ciphertext> outputs =
        SparseProduct(n, 4, rows_with_shifts(), biases()).apply(scheme.context, inputs);
    for (std::size_t j = 0; j < outputs.size(); ++j) {
        EXPECT_EQ(scheme.decryptor.decrypt(outputs[j]), expected(rows_with_shifts()[j], biases()[j]))
            << "row " << j;
    }
}

TEST_F(SparseProductTest, EqualsTheLoopWithFewerRowsThanInputs) {
    expect_equals_loop({{{0, 3, 1}, {3, n + 9, -2}}, {{1, 0, 1}, {2, 17, 5}}}, {{{1, 0}}, {}}, inputs);
    expect_equals_loop({{}}, {{{1, 0}}}, inputs);
}

TEST_F(SparseProductTest, EqualsTheLoopOnSizeThree) {
    std::vector<Ciphertext> squares;
    for (const Ciphertext& input : inputs) {
        squares.push_back(scheme.evaluator.square(input));
    }
    expect_equals_loop(rows_with_shifts(), biases(), squares);
    for (Ciphertext& square : squares) {
        square = scheme.evaluator.mod_switch(square);
    }
    expect_equals_loop(rows_with_shifts(), biases(), squares);
}

TEST_F(SparseProductTest, ScalarMapsWorkInNttForm) {
    const SparseRows rows = {
        {{0, 0, 1}, {1, 0, -5}, {2, 0, 1 << 15}, {3, n, 7}}, {}, {{1, 0, 1000}, {1, n, 999}}};
    const std::vector<std::vector<Monomial>> bias = {{{17, 0}}, {{-3, n}}, {{1, 0}, {2, 0}}};
    std::vector<Ciphertext> transformed;
    for (const Ciphertext& input : inputs) {
        transformed.push_back(scheme.evaluator.to_ntt(input));
    }
    const SparseProduct product(n, 4, rows, bias);
    const std::vector<Ciphertext> in_ntt = product.apply(scheme.context, transformed, 2);
    const std::vector<Ciphertext> plain = product.apply(scheme.context, inputs, 2);
    for (std::size_t j = 0; j < rows.size(); ++j) {
        EXPECT_EQ(scheme.evaluator.to_coefficients(in_ntt[j]), plain[j]);
        EXPECT_EQ(scheme.decryptor.decrypt(in_ntt[j]), expected(rows[j], bias[j]));
    }
    EXPECT_THROW((void)SparseProduct(n, 4, {{{0, 1, 1}}}).apply(scheme.context, transformed), Error);
    EXPECT_THROW((void)SparseProduct(n, 4, {{{0, 0, 1}}}, {{{1, 1}}}).apply(scheme.context, transformed),
                 Error);
}

TEST_F(SparseProductTest, RowsWithoutTermsAreTheBiasInTheClear) {
    const SparseProduct product(n, 4, {{}, {{0, 3, 0}}}, {{{6, 2}}, {}});
    const std::vector<Ciphertext> outputs = product.apply(scheme.context, inputs);
    for (std::size_t j = 0; j < 2; ++j) {
        EXPECT_EQ(outputs[j].parts[1], RnsPolynomial(n, 4, Form::coefficient));
        EXPECT_EQ(scheme.decryptor.decrypt(outputs[j]),
                  expected({}, j == 0 ? std::vector<Monomial>{{6, 2}} : std::vector<Monomial>()));
    }
}

TEST_F(SparseProductTest, ExtremeBiases) {
    const std::vector<std::vector<Monomial>> bias = {{{std::numeric_limits<std::int64_t>::min(), n},
                                                      {std::numeric_limits<std::int64_t>::min(), 1},
                                                      {std::numeric_limits<std::int64_t>::max(), 2 * n - 1}}};
    const std::vector<Ciphertext> outputs =
        SparseProduct(n, 4, {{{0, 0, 1}}}, bias).apply(scheme.context, inputs);
    EXPECT_EQ(scheme.decryptor.decrypt(outputs[0]), expected({{0, 0, 1}}, bias[0]));
}

TEST_F(SparseProductTest, NormsAreThoseOfTheWorstRowWithEqualPlacesAddedUp) {
    const SparseProduct product(n, 2,
                                {{{0, 0, 3}, {1, 0, -4}},
                                 {{0, 5, 3}, {0, 5, 4}},      // the same noise twice: 7, not 5
                                 {{0, 5, 6}, {0, n + 5, 6}},  // cancels
                                 {}});
    EXPECT_EQ(product.norm_1(), 12.0);
    EXPECT_EQ(product.norm_2(), 7.0);
    const SparseProduct none(n, 2, {{}});
    EXPECT_EQ(none.norm_1(), 0.0);
    EXPECT_EQ(none.norm_2(), 0.0);
}

TEST_F(SparseProductTest, RefusesWhatDoesNotFit) {
    const SparseProduct product(n, 2, {{{0, 0, 1}, {1, 3, 1}}});
    EXPECT_THROW((void)product.apply(scheme.context, inputs), Error);  // four inputs
    EXPECT_THROW((void)product.apply(scheme.context, std::vector<Ciphertext>(2)), Error);
    const auto pair = [&](const Ciphertext& a, const Ciphertext& b) {
        return product.apply(scheme.context, std::vector<Ciphertext>{a, b});
    };
    EXPECT_NO_THROW((void)pair(inputs[0], inputs[1]));
    EXPECT_THROW((void)pair(inputs[0], scheme.evaluator.mod_switch(inputs[1])), Error);
    EXPECT_THROW((void)pair(inputs[0], scheme.evaluator.square(inputs[1])), Error);
    EXPECT_THROW((void)pair(inputs[0], scheme.evaluator.to_ntt(inputs[1])), Error);
    Ciphertext broken = inputs[0];
    broken.parts.pop_back();
    EXPECT_THROW((void)pair(broken, broken), Error);
    broken = inputs[0];
    broken.parts[1] = broken.parts[1].first_limbs(2);
    EXPECT_THROW((void)pair(broken, broken), Error);
    const Scheme other(small_parameters(n, {50, 50, 45, 39}, {50}, {t}));
    const Ciphertext foreign = other.encryptor.encrypt(messages[0]);
    EXPECT_THROW((void)pair(foreign, foreign), Error);
    const Context without_t(scheme.context.shared_ring(), {257});
    EXPECT_THROW((void)product.apply(without_t, std::vector<Ciphertext>{inputs[0], inputs[1]}), Error);

    EXPECT_THROW(SparseProduct(n, 1, {{}}, {{}, {}}), Error);
    EXPECT_THROW(SparseProduct(n, 1, {{}}, {{{1, 2 * n}}}), Error);
    EXPECT_THROW(SparseProduct(n, 1, {{{1, 0, 1}}}), Error);
    EXPECT_THROW((void)SparseProduct(2 * n, 2, {{}})
                     .apply(scheme.context, std::vector<Ciphertext>{inputs[0], inputs[1]}),
                 Error);
}

TEST(SparseProductModuli, SeveralOverOneKeySet) {
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {7681, 12289, 1 << 20}));
    const SparseProduct product(64, 2, {{{0, 1, 2}, {1, 64 + 2, 3}}}, {{{-4, 0}}});
    std::mt19937_64 random(5);
    for (std::size_t i = 0; i < 3; ++i) {
        const std::uint64_t modulus = scheme.context.plain(i).modulus().value();
        const Plaintext a = random_plaintext(64, modulus, random);
        const Plaintext b = random_plaintext(64, modulus, random);
        const std::vector<Ciphertext> outputs = product.apply(
            scheme.context,
            std::vector<Ciphertext>{scheme.encryptor.encrypt(a), scheme.public_encryptor.encrypt(b)});
        Plaintext x(64, modulus);
        x[1] = 2;
        Plaintext y(64, modulus);
        y[2] = modulus - 3;
        Plaintext bias(64, modulus);
        bias[0] = modulus - 4;
        EXPECT_EQ(scheme.decryptor.decrypt(outputs[0]),
                  ring_add(ring_add(ring_multiply(a, x), ring_multiply(b, y)), bias));
    }
    const Scheme& s = scheme;
    EXPECT_THROW((void)SparseProduct(64, 2, {{}})
                     .apply(s.context, std::vector<Ciphertext>{s.encryptor.encrypt(Plaintext(64, 7681)),
                                                               s.encryptor.encrypt(Plaintext(64, 12289))}),
                 Error);
}

class BinomialSparseProductTest : public BinomialTest {};

INSTANTIATE_TEST_SUITE_P(Settings, BinomialSparseProductTest,
                         ::testing::Range(std::size_t{0}, binomial_settings().size()), binomial_setting_name);

TEST_P(BinomialSparseProductTest, SparseProductsAddTheirBiasModuloTheBinomial) {
    const std::int64_t large = std::int64_t{1} << 40;
    const SparseProduct layer(n, 2, {{{0, 0, 3}, {1, 5, -2}}, {{1, 0, 1}}},
                              {{{7, 0}}, {{large, 1}, {-5, n + 1}}});
    const std::vector<Ciphertext> inputs = {encrypted_a, encrypted_b};
    const std::vector<Ciphertext> outputs = layer.apply(scheme.context, inputs);
    BinomialRing::Element one(t.power());
    one[0] = 1;
    EXPECT_EQ(decrypt(outputs[0]),
              ring.add(ring.add(ring.scale(value_a, 3), ring.scale(ring.shift(value_b, 5), -2)),
                       ring.scale(one, 7)));
    EXPECT_EQ(decrypt(outputs[1]),
              ring.add(value_b, ring.scale(ring.shift(one, 1), mpz_class(static_cast<long>(large)) + 5)));
}

}  // namespace
}  // namespace lacuna::testing
