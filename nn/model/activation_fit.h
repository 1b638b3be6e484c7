// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace lacuna {

/// The usual activations. GELU is x Phi(x) with the exact normal distribution function; SiLU is Swish.
enum class ActivationFunction { relu, silu, gelu, softplus, sigmoid, tanh };

/// The function of a name: relu, silu or swish, gelu, softplus, sigmoid, tanh. Throws Error for any other.
[[nodiscard]] ActivationFunction activation_function(std::string_view name);
[[nodiscard]] std::string_view activation_name(ActivationFunction function);
[[nodiscard]] double activation_value(ActivationFunction function, double x);

/// The normal density that an activation's input is taken to have, cut off outside the interval.
struct NormalDensity {
    double mean = 0.0;
    double deviation = 1.0;
};

/// What the error of a polynomial p against a function f is, with w the input's density.
enum class FitNorm {
    l2,       ///< root mean square: sqrt(E[(f - p)^2]) for an input of that density
    minimax,  ///< max of v(x) |f(x) - p(x)|, v = w / max w on the interval: 1 for the uniform density
};

/// A fitting problem. Limits: low < high, both within +-1024; degree 1 ... 4; exponents -60 ... 60; a normal
/// density whose mean is within 4 deviations of the interval and whose deviation is at least 1/1000 of its
/// length.
struct FitProblem {
    ActivationFunction function = ActivationFunction::relu;
    double low = -4.0;
    double high = 4.0;
    std::optional<NormalDensity> density{};  ///< uniform if absent
    std::size_t degree = 2;
    FitNorm norm = FitNorm::l2;
    int lowest_exponent = -10;  ///< of a power-of-two coefficient
    int highest_exponent = 4;
};

/// c[0] + c[1] x + ... with its error in the problem's norm.
struct FittedPolynomial {
    std::vector<double> coefficients;  ///< degree + 1 of them
    double error = 0.0;
};

struct ActivationFit {
    FittedPolynomial powers_of_two;  ///< each coefficient 0 or +-2^k, k in the problem's range; the optimum
    FittedPolynomial unconstrained;  ///< the best real coefficients
};

/// Error of a given polynomial in the problem's norm. L2 is integrated by Gauss-Legendre quadrature; minimax
/// is the maximum over 4097 Chebyshev points of the interval and the kink at 0, which is less than the true
/// one by at most about 7e-8 (high - low)^2 max |(f - p)''|.
[[nodiscard]] double fit_error(const FitProblem& problem, const std::vector<double>& coefficients);

/// The best polynomial with coefficients 0 or +-2^k, by exact search, beside the best one at all.
///
/// L2: with G = R^T R the Gram matrix of the monomials and c* the least-squares solution, the squared error
/// of c is e*^2 + |R (c - c*)|^2: a closest-vector problem over a finite alphabet, solved by Schnorr-Euchner
/// enumeration (Agrell et al. 2002), which leaves out only what its partial distance rules out.
///
/// Minimax: c* and the alternating points come from the Remez exchange. For any probability measure m on the
/// interval the maximum is at least the L2 norm under m, so the same enumeration with m of the Remez points
/// (for which the two optima meet) visits every polynomial that could be better than the best found; each is
/// measured in full.
///
/// Of equally good polynomials the first found is returned; the choice is deterministic. Throws Error for a
/// problem outside its limits.
[[nodiscard]] ActivationFit fit_activation(const FitProblem& problem);

}  // namespace lacuna
