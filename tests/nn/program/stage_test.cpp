// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/stage.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/packing/binomial.h>
#include "tests/support/inference.h"

namespace lacuna::testing {
namespace {

/// Where weights are polynomials of digits, `squares` bounds the quadratic form behind every coefficient of
/// sum_i a_i y_i^2, y_i = sum_l w_il e_l: its Frobenius norm over sqrt(n), and its largest eigenvalue.
TEST(Stages, NormsOfSumsOfSquaresOfDigits) {
    constexpr std::size_t n = 16;
    constexpr std::size_t inputs = 4;
    const BinomialRing ring{PlainModulus::binomial(1, 2), n};
    using Polynomial = std::vector<double>;
    const auto product = [](const Polynomial& a, const Polynomial& b) {
        Polynomial c(n);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                c[(i + j) % n] += i + j < n ? a[i] * b[j] : -a[i] * b[j];
            }
        }
        return c;
    };
    const auto polynomial = [&](std::int64_t weight) {
        Polynomial p(n);
        for (const Monomial& term : BinomialPacking::monomials(weight, ring)) {
            p[term.exponent] += static_cast<double>(term.coefficient);
        }
        return p;
    };
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        SmallModel random(seed);
        Model model = random.empty({inputs, 1, 1}, 3);
        random.add_dense(model, 5, 4, 4);
        model.layers.push_back({"square", Activation{{0, 0, 1}}});
        random.add_dense(model, 2, 4, 4);
        const std::vector<Stage> stages = binomial_stages_of(ExpandedModel(model), ring.t, n);
        const auto& inner = std::get<Dense>(model.layers[0].kind).weights.rows;
        const auto& outer = std::get<Dense>(model.layers[2].kind).weights.rows;
        const double longest = stages[0].norms.independent * stages[0].norms.independent;
        const double bound = stages[2].norms.squares * longest;
        for (const auto& row : outer) {
            // The entry of positions (l, u), (m, v): the sum over i of the coefficient of a_i w_il w_im
            // that takes x^(u + v) to x^(n - 1).
            std::vector<std::vector<double>> form(inputs * n, std::vector<double>(inputs * n));
            for (const WeightTerm& term : row) {
                for (const WeightTerm& a : inner[term.column]) {
                    for (const WeightTerm& b : inner[term.column]) {
                        const Polynomial p = product(polynomial(term.weight),
                                                     product(polynomial(a.weight), polynomial(b.weight)));
                        for (std::size_t u = 0; u < n; ++u) {
                            for (std::size_t v = 0; v < n; ++v) {
                                const std::size_t from = 2 * n - 1 - u - v;  // below 2n: x^n = -1
                                form[a.column * n + u][b.column * n + v] += from < n ? p[from] : -p[from - n];
                            }
                        }
                    }
                }
            }
            double squares = 0;
            std::vector<double> vector(inputs * n, 1);
            double norm = 0;
            for (int step = 0; step < 50; ++step) {  // towards the largest eigenvalue
                std::vector<double> next(inputs * n);
                for (std::size_t i = 0; i < next.size(); ++i) {
                    for (std::size_t j = 0; j < next.size(); ++j) {
                        next[i] +=
                            form[i][j] * (vector[j] + (step == 0 ? 0.1 * static_cast<double>(j % 7) : 0));
                        squares += step == 0 ? form[i][j] * form[i][j] : 0;
                    }
                }
                norm = 0;
                for (const double value : next) {
                    norm += value * value;
                }
                norm = std::sqrt(norm);
                for (double& value : next) {
                    value /= std::max(norm, 1e-9);
                }
                vector = next;
            }
            EXPECT_LE(std::sqrt(squares / n), bound * (1 + 1e-9));
            EXPECT_LE(norm, bound * (1 + 1e-9));
        }
        EXPECT_LE(stages[2].norms.squares, stages[2].norms.sum * (1 + 1e-12));
    }
}

/// `squares` is the Frobenius norm of sum_i a_i w_i w_i^T over the largest |w_i|^2, and never more than
/// the sum of |a_i|.
TEST(Stages, NormsOfSumsOfSquares) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        SmallModel random(seed);
        Model model = random.empty({12, 1, 1}, 3);
        random.add_dense(model, 6, 3, 4);
        model.layers.push_back({"square", Activation{{0, 0, 1}}});
        random.add_dense(model, 4, 3, 4);
        const auto& inner = std::get<Dense>(model.layers[0].kind).weights.rows;
        const auto& outer = std::get<Dense>(model.layers[2].kind).weights.rows;
        double longest = 0;
        for (const auto& row : inner) {
            double squares = 0;
            for (const WeightTerm& term : row) {
                squares += static_cast<double>(term.weight * term.weight);
            }
            longest = std::max(longest, squares);
        }
        double expected = 0;
        for (const auto& row : outer) {
            std::vector<double> form(144);
            for (const WeightTerm& term : row) {
                for (const WeightTerm& a : inner[term.column]) {
                    for (const WeightTerm& b : inner[term.column]) {
                        form[a.column * 12 + b.column] +=
                            static_cast<double>(term.weight * a.weight * b.weight);
                    }
                }
            }
            double squares = 0;
            for (const double value : form) {
                squares += value * value;
            }
            expected = std::max(expected, std::sqrt(squares) / longest);
        }
        const std::vector<Stage> stages =
            stages_of(ExpandedModel(model), Packing::slots, {(std::uint64_t{1} << 40) - 1});
        ASSERT_EQ(stages.size(), 3U);
        EXPECT_NEAR(stages[2].norms.squares, expected, 1e-9);
        EXPECT_LE(stages[2].norms.squares, stages[2].norms.sum * (1 + 1e-12));
        EXPECT_EQ(stages[0].norms.squares, stages[0].norms.sum);
    }
}

/// The norms that the noise walk uses cover those of the very product that the session applies.
TEST(Stages, NormsCoverTheEncodedRows) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        SmallModel random(seed);
        Model model = random.empty({15, 1, 1}, 3);
        random.add_dense(model, 6, 9, 100);
        const auto& rows = std::get<Dense>(model.layers[0].kind).weights.rows;
        for (const Packing packing : {Packing::slots, Packing::radix}) {
            std::vector<std::vector<SparseTerm>> terms;
            double count = 0;
            for (const auto& row : rows) {
                auto& out = terms.emplace_back();
                for (const WeightTerm& term : row) {
                    if (packing == Packing::slots) {
                        out.push_back({term.column, 0, term.weight});
                        continue;
                    }
                    for (const Digit& digit : naf(mpz_class(static_cast<long>(term.weight)))) {
                        out.push_back({term.column, static_cast<std::uint32_t>(digit.exponent), digit.sign});
                    }
                }
                count += static_cast<double>(out.size());
            }
            const SparseProduct product(1024, 15, terms);
            const std::vector<Stage> stages = stages_of(ExpandedModel(model), packing, {65537});
            ASSERT_EQ(stages.size(), 1U);
            EXPECT_TRUE(stages[0].linear);
            EXPECT_EQ(stages[0].elements, 6U);
            EXPECT_DOUBLE_EQ(stages[0].norms.sum, product.norm_1());
            EXPECT_GE(stages[0].norms.independent, product.norm_2() * (1 - 1e-12));
            EXPECT_LE(stages[0].norms.independent, stages[0].norms.sum * (1 + 1e-12));
            EXPECT_DOUBLE_EQ(stages[0].terms, count);
        }
    }
}

TEST(Stages, WeightsOfSlotsAreCentredModuloEveryModulus) {
    SmallModel random(1);
    Model model = random.empty({2, 1, 1}, 1);
    model.layers.push_back({"dense", Dense{{2, {{{0, 12288}, {1, 3}}, {{1, -7}}}}, {mpz_class(1) << 90, 0}}});
    model.layers.push_back({"act", Activation{{mpz_class(1) << 80, 12290, 0, 6000}}});
    model.layers.push_back({"flatten", Flatten{}});
    const std::vector<Stage> one = stages_of(ExpandedModel(model), Packing::slots, {12289});
    ASSERT_EQ(one.size(), 2U);
    EXPECT_EQ(one[0].layer, 0U);
    EXPECT_EQ(one[1].layer, 1U);
    EXPECT_DOUBLE_EQ(one[0].norms.sum, 7);  // 12288 = -1
    EXPECT_DOUBLE_EQ(one[0].norms.independent, 7);
    ASSERT_EQ(one[1].powers.size(), 4U);
    EXPECT_DOUBLE_EQ(one[1].powers[1], 1);
    EXPECT_DOUBLE_EQ(one[1].powers[2], 0);
    EXPECT_DOUBLE_EQ(one[1].powers[3], 6000);
    const std::vector<Stage> two = stages_of(ExpandedModel(model), Packing::slots, {12289, 65537});
    EXPECT_DOUBLE_EQ(two[0].norms.sum, 12291);
    EXPECT_DOUBLE_EQ(two[1].powers[1], 12290);
    const std::vector<Stage> radix = stages_of(ExpandedModel(model), Packing::radix, {1000});
    EXPECT_DOUBLE_EQ(radix[0].norms.sum, 4);  // 12288 = 2^14 - 2^12, 3 = 4 - 1
    EXPECT_DOUBLE_EQ(radix[0].terms, 6);
    EXPECT_DOUBLE_EQ(radix[1].powers[1], 3);  // 12290 = 2^14 - 2^12 + 2
}

/// 100 sums of 8 inputs, squared and summed: uncorrelated where no two sums are proportional, and one where
/// all are.
TEST(Stages, ProportionalRowsAreCorrelated) {
    SmallModel random(1);
    Model model = random.empty({8, 1, 1}, 1);
    WeightMatrix distinct{8, {}};
    WeightMatrix same{8, {}};
    WeightMatrix ones{100, {{}}};
    for (std::uint32_t i = 0; i < 100; ++i) {
        distinct.rows.push_back({{0, 1}, {1 + i % 7, -1 - static_cast<std::int64_t>(i) / 7}});
        same.rows.push_back({{0, 1 + i}, {2, -2 - 2 * static_cast<std::int64_t>(i)}});
        ones.rows[0].push_back({i, i % 2 == 0 ? 1 : -1});
    }
    const std::vector<mpz_class> bias(100);
    const auto norm_products = [&](const WeightMatrix& first, std::vector<mpz_class> activation) {
        model.layers.clear();
        model.layers.push_back({"first", Dense{first, bias}});
        model.layers.push_back({"act", Activation{std::move(activation)}});
        model.layers.push_back({"last", Dense{ones, {0}}});
        return stages_of(ExpandedModel(model), Packing::slots, {65537}).back().norms.products;
    };
    EXPECT_DOUBLE_EQ(norm_products(distinct, {0, 0, 1}), 10);
    EXPECT_DOUBLE_EQ(norm_products(same, {0, 0, 1}), 100);
    // Rows that are proportional only modulo t give the same ciphertext in the slots.
    WeightMatrix residues{8, {}};
    for (std::uint32_t i = 0; i < 100; ++i) {
        residues.rows.push_back({{0, 1}, {1, 2 + 65537 * static_cast<std::int64_t>(i)}});
    }
    EXPECT_DOUBLE_EQ(norm_products(residues, {0, 0, 1}), 100);
    EXPECT_DOUBLE_EQ(norm_products(distinct, {0, 0, 1}), 10);
    // Sums of sums are not followed.
    model.layers.insert(model.layers.begin() + 1, {"second", Dense{WeightMatrix{100, distinct.rows}, bias}});
    EXPECT_DOUBLE_EQ(stages_of(ExpandedModel(model), Packing::slots, {65537}).back().norms.products, 100);
}

}  // namespace
}  // namespace lacuna::testing
