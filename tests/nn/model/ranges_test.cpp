// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/ranges.h>

#include <gtest/gtest.h>

#include <algorithm>

#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/ntt/error.h>
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

using DigitPolynomial = std::vector<mpz_class>;

DigitPolynomial from_digits(const std::vector<Digit>& digits) {
    DigitPolynomial result;
    for (const Digit& digit : digits) {
        result.resize(std::max(result.size(), digit.exponent + 1));
        result[digit.exponent] += digit.sign;
    }
    return result;
}

void add_product(DigitPolynomial& sum, const DigitPolynomial& a, const DigitPolynomial& b) {
    if (a.empty() || b.empty()) {
        return;
    }
    sum.resize(std::max(sum.size(), a.size() + b.size() - 1));
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < b.size(); ++j) {
            sum[i + j] += a[i] * b[j];
        }
    }
}

/// Digit polynomials of every element after every layer for one image, without carries.
std::vector<std::vector<DigitPolynomial>> digit_trace(const Model& model,
                                                      const std::vector<std::uint8_t>& pixels) {
    const auto shapes = model.shapes();
    const DigitPolynomial one{1};
    std::vector<std::vector<DigitPolynomial>> layers(1);
    for (const std::uint8_t pixel : pixels) {
        layers[0].push_back(from_digits(binary_digits(model.quantise(pixel))));
    }
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const auto& x = layers.back();
        std::vector<DigitPolynomial> next;
        if (const auto* activation = std::get_if<Activation>(&model.layers[l].kind)) {
            for (const DigitPolynomial& value : x) {
                DigitPolynomial sum;
                DigitPolynomial power = one;
                for (const mpz_class& coefficient : activation->coefficients) {
                    add_product(sum, from_digits(naf(coefficient)), power);
                    DigitPolynomial higher;
                    add_product(higher, power, value);
                    power = higher;
                }
                next.push_back(sum);
            }
        } else if (is_linear(model.layers[l])) {
            const LinearMap map = linear_map(model.layers[l], shapes[l]);
            for (std::size_t o = 0; o < map.bias.size(); ++o) {
                DigitPolynomial sum = from_digits(naf(map.bias[o]));
                for (const WeightTerm& term : map.weights.rows[o]) {
                    add_product(sum, from_digits(naf(mpz_class(static_cast<long>(term.weight)))),
                                x[term.column]);
                }
                next.push_back(sum);
            }
        } else {
            next = x;
        }
        layers.push_back(next);
    }
    return layers;
}

TEST(Ranges, PolynomialRangeIsExactAtEveryDegree) {
    test::RandomModel random(7);
    for (int round = 0; round < 4000; ++round) {
        const std::size_t degree = static_cast<std::size_t>(random.integer(0, 8));
        // Products of small linear factors have many turning points inside the domain.
        std::vector<mpz_class> coefficients{random.integer(1, 3)};
        for (std::size_t i = 0; i < degree; ++i) {
            const mpz_class root = random.integer(-12, 12);
            const mpz_class lead = random.integer(1, 2);
            coefficients.emplace_back(0);
            for (std::size_t j = coefficients.size() - 1; j > 0; --j) {
                coefficients[j] = coefficients[j - 1] * lead - coefficients[j] * root;
            }
            coefficients[0] *= -root;
        }
        coefficients[0] += random.integer(-50, 50);
        coefficients[coefficients.size() / 2] += random.integer(-9, 9);
        const int low = static_cast<int>(random.integer(-20, 20));
        const int high = low + static_cast<int>(random.integer(0, 25));
        std::vector<mpz_class> values;
        for (int x = low; x <= high; ++x) {
            mpz_class value;
            for (std::size_t i = coefficients.size(); i-- > 0;) {
                value = value * x + coefficients[i];
            }
            values.push_back(value);
        }
        const Interval range = polynomial_range(coefficients, {low, high});
        EXPECT_EQ(range.low, *std::min_element(values.begin(), values.end()));
        EXPECT_EQ(range.high, *std::max_element(values.begin(), values.end()));
    }
}

TEST(Ranges, PolynomialRangeOfAParabola) {
    // 4x^2 - 4x + 7 has its real minimum 6 at 1/2; over the integers it is 7, at 0 and 1.
    const std::vector<mpz_class> parabola{7, -4, 4};
    EXPECT_EQ(polynomial_range(parabola, {-5, 10}), (Interval{7, 367}));
    EXPECT_EQ(polynomial_range(parabola, {3, 4}), (Interval{31, 55}));
    EXPECT_THROW((void)polynomial_range(parabola, {1, 0}), Error);
    const mpz_class far("1000000000000000000000000000000");
    EXPECT_EQ(polynomial_range(parabola, {-far, far}).low, 7);
}

TEST(Ranges, SlotRangesHoldForEveryImage) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(1 + static_cast<int>(seed % 8), 1 + seed % 4);
        const SlotRanges ranges = slot_ranges(model);
        const Reference reference(model);
        ASSERT_EQ(ranges.values.size(), model.layers.size() + 1);
        ASSERT_EQ(ranges.working.size(), model.layers.size() + 1);
        for (int image = 0; image < 10; ++image) {
            const auto trace = reference.trace(random.pixels(reference.image_size()));
            for (std::size_t l = 0; l < trace.size(); ++l) {
                ASSERT_EQ(trace[l].size(), ranges.values[l].size());
                for (std::size_t e = 0; e < trace[l].size(); ++e) {
                    EXPECT_TRUE(ranges.values[l][e].contains(trace[l][e]))
                        << "seed " << seed << " layer " << l;
                    EXPECT_LE(abs(trace[l][e]), ranges.working[l]);
                }
            }
            for (const mpz_class& logit : trace.back()) {
                EXPECT_LE(abs(logit), ranges.largest_logit());
            }
        }
    }
}

TEST(Ranges, SlotRangesAreReachedByALinearLayer) {
    Model model;
    model.name = "linear";
    model.input_shape = {3, 1, 1};
    model.thresholds = {100, 200};
    model.layers.push_back({"fc", Dense{{3, {{{0, 5}, {2, -3}}}}, {10}}});
    const SlotRanges ranges = slot_ranges(model);
    EXPECT_EQ(ranges.values.back().front(), (Interval{10 - 6, 10 + 10}));
    EXPECT_EQ(ranges.working.back(), 10 + 10 + 6);
    EXPECT_EQ(ranges.largest_logit(), 20);
    EXPECT_EQ(ranges.largest_working(), 26);
}

TEST(Ranges, RadixRangesHoldForEveryImage) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(1 + static_cast<int>(seed % 6), 1 + seed % 4);
        const RadixRanges ranges = radix_ranges(model);
        const Reference reference(model);
        ASSERT_EQ(ranges.layers.size(), model.layers.size() + 1);
        for (int image = 0; image < 4; ++image) {
            const auto pixels = random.pixels(reference.image_size());
            const auto digits = digit_trace(model, pixels);
            const auto values = reference.trace(pixels);
            for (std::size_t l = 0; l < digits.size(); ++l) {
                for (std::size_t e = 0; e < digits[l].size(); ++e) {
                    ASSERT_EQ(evaluate_at_two(digits[l][e]), values[l][e]);
                    for (std::size_t k = 0; k < digits[l][e].size(); ++k) {
                        const auto& bounds = ranges.layers[l].coefficients;
                        const Interval bound = k < bounds.size() ? bounds[k] : Interval{};
                        EXPECT_TRUE(bound.contains(digits[l][e][k]))
                            << "seed " << seed << " layer " << l << " power " << k;
                    }
                }
            }
            for (std::size_t e = 0; e < digits.back().size(); ++e) {
                for (std::size_t k = 0; k < digits.back()[e].size(); ++k) {
                    const mpz_class& coefficient = digits.back()[e][k];
                    const Interval bound = k < ranges.logits[e].size() ? ranges.logits[e][k] : Interval{};
                    EXPECT_TRUE(bound.contains(coefficient));
                    EXPECT_LE(abs(coefficient), ranges.largest_logit_coefficient());
                }
            }
        }
    }
}

TEST(Ranges, RadixSquaresAreSharp) {
    // One 2-bit pixel p = a + b x, squared: a^2 + 2ab x + b^2 x^2, so [0, 1], [0, 2], [0, 1]; minus 4 = -x^2.
    Model model;
    model.name = "square";
    model.input_shape = {1, 1, 1};
    model.thresholds = {64, 128, 192};
    model.layers.push_back({"act", Activation{{-4, 0, 1}}});
    const RadixRanges ranges = radix_ranges(model);
    EXPECT_EQ(ranges.logits.front(), (std::vector<Interval>{{0, 1}, {0, 2}, {-1, 0}}));
    EXPECT_EQ(ranges.largest_logit_coefficient(), 2);
    EXPECT_EQ(ranges.largest_degree(), 2U);
    // With weight -1 first the digits are in [-1, 0] and the squares are the same.
    model.layers.insert(model.layers.begin(), {"fc", Dense{{1, {{{0, -1}}}}, {0}}});
    EXPECT_EQ(radix_ranges(model).logits, ranges.logits);
}

TEST(Ranges, RefuseRunawayNetworks) {
    Model model;
    model.name = "runaway";
    model.input_shape = {1, 1, 1};
    model.thresholds = {128};
    for (int i = 0; i < 64; ++i) {
        model.layers.push_back({"act" + std::to_string(i), Activation{{0, 0, mpz_class(1) << 300}}});
    }
    EXPECT_THROW((void)slot_ranges(model), Error);
    EXPECT_THROW((void)radix_ranges(model), Error);
}

}  // namespace
}  // namespace lacuna
