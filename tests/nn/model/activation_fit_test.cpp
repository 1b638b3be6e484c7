// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/activation_fit.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <lacuna/ntt/error.h>

namespace lacuna {
namespace {

constexpr ActivationFunction all_functions[] = {ActivationFunction::relu,    ActivationFunction::silu,
                                                ActivationFunction::gelu,    ActivationFunction::softplus,
                                                ActivationFunction::sigmoid, ActivationFunction::tanh};

/// The error of a polynomial by plain sampling, sharing no code with the library.
class SampledError {
  public:
    explicit SampledError(const FitProblem& problem) : norm_(problem.norm) {
        constexpr int count = 1500;
        double peak = 0;
        for (int i = 0; i < count; ++i) {
            const double x = problem.low + (problem.high - problem.low) * (i + 0.5) / count;
            const double z = problem.density ? (x - problem.density->mean) / problem.density->deviation : 0.0;
            x_.push_back(x);
            y_.push_back(activation_value(problem.function, x));
            weight_.push_back(std::exp(-z * z / 2));
            mass_ += weight_.back();
            peak = std::max(peak, weight_.back());
        }
        if (norm_ == FitNorm::minimax) {
            mass_ = peak;
        }
    }

    [[nodiscard]] double operator()(const std::vector<double>& c) const {
        double result = 0;
        for (std::size_t i = 0; i < x_.size(); ++i) {
            double p = 0;
            for (std::size_t k = c.size(); k-- > 0;) {
                p = p * x_[i] + c[k];
            }
            const double error = y_[i] - p;
            result = norm_ == FitNorm::l2 ? result + weight_[i] / mass_ * error * error
                                          : std::max(result, weight_[i] / mass_ * std::abs(error));
        }
        return norm_ == FitNorm::l2 ? std::sqrt(result) : result;
    }

  private:
    FitNorm norm_;
    std::vector<double> x_, y_, weight_;
    double mass_ = 0;
};

double exhaustive_minimum(const FitProblem& problem, const SampledError& error) {
    std::vector<double> alphabet{0.0};
    for (int k = problem.lowest_exponent; k <= problem.highest_exponent; ++k) {
        alphabet.push_back(std::ldexp(1.0, k));
        alphabet.push_back(-std::ldexp(1.0, k));
    }
    double best = std::numeric_limits<double>::infinity();
    std::vector<std::size_t> index(problem.degree + 1);
    std::vector<double> c(problem.degree + 1);
    for (;;) {
        for (std::size_t i = 0; i < c.size(); ++i) {
            c[i] = alphabet[index[i]];
        }
        best = std::min(best, error(c));
        std::size_t i = 0;
        while (i < index.size() && ++index[i] == alphabet.size()) {
            index[i++] = 0;
        }
        if (i == index.size()) {
            return best;
        }
    }
}

TEST(ActivationFit, TableOfPowerOfTwoQuadratics) {
    struct Row {
        ActivationFunction function;
        std::vector<double> powers_of_two;
        double error;
        std::vector<double> unconstrained;
        double unconstrained_error;
    };
    // Exhaustive L2 search on [-4, 4], uniform density.
    const Row rows[] = {
        {ActivationFunction::relu, {.25, .5, .125}, .171, {.375, .5, .117}, .144},
        {ActivationFunction::silu, {.125, .5, .125}, .105, {.145, .5, .126}, .102},
        {ActivationFunction::softplus, {1, .5, .0625}, .177, {.744, .5, .086}, .039},
    };
    for (const Row& row : rows) {
        FitProblem problem;
        problem.function = row.function;
        const ActivationFit fit = fit_activation(problem);
        EXPECT_EQ(fit.powers_of_two.coefficients, row.powers_of_two);
        EXPECT_NEAR(fit.powers_of_two.error, row.error, 5e-4);
        EXPECT_NEAR(fit.unconstrained.error, row.unconstrained_error, 5e-4);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_NEAR(fit.unconstrained.coefficients[i], row.unconstrained[i], 6e-4);
        }
    }
}

TEST(ActivationFit, OptimalAgainstExhaustiveEnumeration) {
    for (const ActivationFunction function : all_functions) {
        for (const FitNorm norm : {FitNorm::l2, FitNorm::minimax}) {
            for (const bool normal : {false, true}) {
                for (std::size_t degree = 1; degree <= 3; ++degree) {
                    FitProblem problem;
                    problem.function = function;
                    problem.norm = norm;
                    problem.degree = degree;
                    problem.low = -3.0;
                    problem.high = 2.5;
                    problem.lowest_exponent = degree < 3 ? -5 : -4;
                    problem.highest_exponent = degree < 3 ? 1 : -1;
                    if (normal) {
                        problem.density = NormalDensity{0.3, 1.1};
                    }
                    const ActivationFit fit = fit_activation(problem);
                    const SampledError error(problem);
                    const double sampled = error(fit.powers_of_two.coefficients);
                    EXPECT_LE(sampled, exhaustive_minimum(problem, error) * (1 + 1e-3))
                        << activation_name(function) << " degree " << degree;
                    EXPECT_NEAR(fit.powers_of_two.error, sampled, 1e-2 * sampled);
                    EXPECT_LE(fit.unconstrained.error, fit.powers_of_two.error);
                    EXPECT_NEAR(fit.unconstrained.error, error(fit.unconstrained.coefficients),
                                1e-2 * fit.unconstrained.error);
                    EXPECT_DOUBLE_EQ(fit_error(problem, fit.powers_of_two.coefficients),
                                     fit.powers_of_two.error);
                }
            }
        }
    }
}

TEST(ActivationFit, UnconstrainedMinimaxOfReluIsKnown) {
    // Up to the grid's resolution. |x| on [-1, 1] is best approximated by x^2 + 1/8; ReLU = (x + |x|) / 2
    // scales that to [-4, 4].
    FitProblem problem;
    problem.norm = FitNorm::minimax;
    const ActivationFit fit = fit_activation(problem);
    EXPECT_NEAR(fit.unconstrained.error, 0.25, 1e-6);
    EXPECT_NEAR(fit.unconstrained.coefficients[0], 0.25, 1e-6);
    EXPECT_NEAR(fit.unconstrained.coefficients[1], 0.5, 1e-6);
    EXPECT_NEAR(fit.unconstrained.coefficients[2], 0.125, 1e-6);
    EXPECT_EQ(fit.powers_of_two.coefficients, (std::vector<double>{0.25, 0.5, 0.125}));
}

TEST(ActivationFit, UnconstrainedOptimaAreLocallyOptimal) {
    for (const ActivationFunction function : all_functions) {
        for (const FitNorm norm : {FitNorm::l2, FitNorm::minimax}) {
            FitProblem problem;
            problem.function = function;
            problem.norm = norm;
            problem.degree = 4;
            problem.density = NormalDensity{0.5, 2.0};
            const FittedPolynomial best = fit_activation(problem).unconstrained;
            for (std::size_t i = 0; i < best.coefficients.size(); ++i) {
                for (const double step : {1e-4, -1e-4}) {
                    std::vector<double> moved = best.coefficients;
                    moved[i] += step;
                    EXPECT_GT(fit_error(problem, moved), best.error) << activation_name(function);
                }
            }
        }
    }
}

TEST(ActivationFit, FindsAnExactPolynomial) {
    for (const FitNorm norm : {FitNorm::l2, FitNorm::minimax}) {
        FitProblem problem;
        problem.low = 1.0;
        problem.high = 2.0;
        problem.degree = 3;
        problem.norm = norm;
        const ActivationFit fit = fit_activation(problem);
        EXPECT_EQ(fit.powers_of_two.coefficients, (std::vector<double>{0, 1, 0, 0}));
        EXPECT_NEAR(fit.powers_of_two.error, 0, 1e-12);
        EXPECT_NEAR(fit.unconstrained.error, 0, 1e-12);
    }
}

TEST(ActivationFit, NarrowDensityFitsItsMiddle) {
    FitProblem problem;
    problem.low = -100;
    problem.high = 100;
    problem.degree = 1;
    problem.function = ActivationFunction::sigmoid;
    problem.density = NormalDensity{0.0, 0.2};
    EXPECT_EQ(fit_activation(problem).powers_of_two.coefficients, (std::vector<double>{0.5, 0.25}));
}

TEST(ActivationFit, FunctionsAndNames) {
    for (const ActivationFunction function : all_functions) {
        EXPECT_EQ(activation_function(activation_name(function)), function);
    }
    EXPECT_EQ(activation_function("swish"), ActivationFunction::silu);
    EXPECT_THROW((void)activation_function("Relu6"), Error);
    EXPECT_DOUBLE_EQ(activation_value(ActivationFunction::relu, -3), 0);
    EXPECT_DOUBLE_EQ(activation_value(ActivationFunction::softplus, 0), std::numbers::ln2);
    EXPECT_DOUBLE_EQ(activation_value(ActivationFunction::softplus, 1000), 1000);
    EXPECT_NEAR(activation_value(ActivationFunction::gelu, 1), 0.8413447460685429, 1e-15);
    EXPECT_NEAR(activation_value(ActivationFunction::silu, 1), 0.7310585786300049, 1e-15);
    EXPECT_DOUBLE_EQ(activation_value(ActivationFunction::sigmoid, 0), 0.5);
    EXPECT_DOUBLE_EQ(activation_value(ActivationFunction::tanh, 0), 0);
}

TEST(ActivationFit, RefusesProblemsOutsideItsLimits) {
    const auto refused = [](auto change) {
        FitProblem problem;
        change(problem);
        EXPECT_THROW((void)fit_activation(problem), Error);
    };
    refused([](FitProblem& p) { p.low = p.high; });
    refused([](FitProblem& p) { p.low = std::numeric_limits<double>::quiet_NaN(); });
    refused([](FitProblem& p) { p.high = 1e9; });
    refused([](FitProblem& p) { p.degree = 0; });
    refused([](FitProblem& p) { p.degree = 5; });
    refused([](FitProblem& p) { p.lowest_exponent = p.highest_exponent + 1; });
    refused([](FitProblem& p) { p.highest_exponent = 100; });
    refused([](FitProblem& p) { p.density = NormalDensity{0, 0}; });
    refused([](FitProblem& p) { p.density = NormalDensity{50, 1}; });
}

}  // namespace
}  // namespace lacuna
