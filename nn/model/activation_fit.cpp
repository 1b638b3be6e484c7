// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/activation_fit.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

using Real = long double;
using Vector = std::vector<Real>;
using Matrix = std::vector<Vector>;

constexpr std::size_t maximum_degree = 4;
constexpr std::size_t grid_intervals = 4096;
constexpr std::size_t quadrature_panels = 512;
// Relative slack for rounding: what is better by less counts as equal, what is worse by less is still
// visited.
constexpr Real slack = 1e-12L;

struct Name {
    std::string_view name;
    ActivationFunction function;
};
constexpr std::array<Name, 7> names{{{"relu", ActivationFunction::relu},
                                     {"silu", ActivationFunction::silu},
                                     {"gelu", ActivationFunction::gelu},
                                     {"softplus", ActivationFunction::softplus},
                                     {"sigmoid", ActivationFunction::sigmoid},
                                     {"tanh", ActivationFunction::tanh},
                                     {"swish", ActivationFunction::silu}}};

/// A point of a discrete problem: the error there is weight * (value - p(x)).
struct Sample {
    Real x;
    Real value;
    Real weight;
};

Real polynomial(const Vector& coefficients, Real x) {
    Real value = 0;
    for (std::size_t i = coefficients.size(); i-- > 0;) {
        value = value * x + coefficients[i];
    }
    return value;
}

void require(bool holds, const std::string& expected, const std::string& found) {
    if (!holds) {
        throw Error("activation fit: expected " + expected + ", found " + found +
                    "; change the fit's settings");
    }
}

void check(const FitProblem& problem) {
    const auto number = [](double x) { return std::to_string(x); };
    require(std::isfinite(problem.low) && std::isfinite(problem.high) && problem.low < problem.high &&
                problem.low >= -1024 && problem.high <= 1024,
            "an interval low < high within -1024 ... 1024",
            std::string("[") + number(problem.low) + ", " + number(problem.high) + "]");
    require(problem.degree >= 1 && problem.degree <= maximum_degree, "a degree from 1 to 4",
            std::to_string(problem.degree));
    require(problem.lowest_exponent >= -60 && problem.lowest_exponent <= problem.highest_exponent &&
                problem.highest_exponent <= 60,
            "exponents lowest <= highest within -60 ... 60",
            std::to_string(problem.lowest_exponent) + " ... " + std::to_string(problem.highest_exponent));
    if (problem.density) {
        const double mean = problem.density->mean;
        const double deviation = problem.density->deviation;
        require(
            std::isfinite(deviation) && deviation <= 1e6 && deviation >= (problem.high - problem.low) / 1000,
            "a deviation of at least 1/1000 of the interval and at most 1e6", number(deviation));
        require(std::isfinite(mean) && mean >= problem.low - 4 * deviation &&
                    mean <= problem.high + 4 * deviation,
                "a mean within 4 deviations of the interval", number(mean));
    }
}

/// The input's density over its largest value on the interval.
Real relative_density(const FitProblem& problem, Real x) {
    if (!problem.density) {
        return 1;
    }
    const auto exponent = [&](Real at) {
        const Real z = (at - problem.density->mean) / problem.density->deviation;
        return -z * z / 2;
    };
    const double peak = std::clamp(problem.density->mean, problem.low, problem.high);
    return std::exp(exponent(x) - exponent(peak));
}

struct Span {
    Real low;
    Real high;
};

/// The part of the interval that matters: beyond 12 deviations a normal density is below 1e-31 of its peak.
Span support(const FitProblem& problem) {
    Span span{problem.low, problem.high};
    if (problem.density) {
        const Real reach = 12.0L * problem.density->deviation;
        span.low = std::max(span.low, problem.density->mean - reach);
        span.high = std::min(span.high, problem.density->mean + reach);
    }
    return span;
}

/// Samples such that the sum of (weight * error)^2 is the mean square under the density: composite 8-point
/// Gauss-Legendre, with a panel border at the kink of ReLU, over the part of the interval that carries the
/// density.
std::vector<Sample> quadrature(const FitProblem& problem) {
    // Nodes and weights on [-1, 1], symmetric (Abramowitz and Stegun, table 25.4).
    constexpr std::array<Real, 4> nodes{0.183434642495649804939L, 0.525532409916328985818L,
                                        0.796666477413626739592L, 0.960289856497536231684L};
    constexpr std::array<Real, 4> weights{0.362683783378361982965L, 0.313706645877887287338L,
                                          0.222381034453374470544L, 0.101228536290376259153L};
    const auto [low, high] = support(problem);
    std::vector<Real> ends{low, high};
    if (low < 0 && high > 0) {
        ends.insert(ends.begin() + 1, Real{0});
    }
    std::vector<Sample> samples;
    Real mass = 0;
    for (std::size_t piece = 0; piece + 1 < ends.size(); ++piece) {
        const Real half = (ends[piece + 1] - ends[piece]) / quadrature_panels / 2;
        for (std::size_t panel = 0; panel < quadrature_panels; ++panel) {
            const Real middle = ends[piece] + half * static_cast<Real>(2 * panel + 1);
            for (std::size_t i = 0; i < 2 * nodes.size(); ++i) {
                const Real node = i % 2 == 0 ? nodes[i / 2] : -nodes[i / 2];
                const Real x = middle + half * node;
                const Real weight = weights[i / 2] * half * relative_density(problem, x);
                mass += weight;
                samples.push_back({x, activation_value(problem.function, static_cast<double>(x)), weight});
            }
        }
    }
    for (Sample& sample : samples) {
        sample.weight = std::sqrt(sample.weight / mass);
    }
    return samples;
}

/// The points over which the minimax error is taken, rising.
std::vector<Sample> grid(const FitProblem& problem) {
    const auto [low, high] = support(problem);
    const Real middle = (low + high) / 2;
    const Real half = (high - low) / 2;
    std::vector<Real> points;
    for (std::size_t i = 0; i <= grid_intervals; ++i) {
        points.push_back(middle - half * std::cos(std::numbers::pi_v<Real> * static_cast<Real>(i) /
                                                  static_cast<Real>(grid_intervals)));
    }
    if (low < 0 && high > 0) {
        points.push_back(0);
    }
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    std::vector<Sample> samples;
    for (const Real x : points) {
        samples.push_back(
            {x, activation_value(problem.function, static_cast<double>(x)), relative_density(problem, x)});
    }
    return samples;
}

Real weighted_error(const Sample& sample, const Vector& coefficients) {
    return sample.weight * (sample.value - polynomial(coefficients, sample.x));
}

Real root_of_squares(const std::vector<Sample>& samples, const Vector& coefficients) {
    Real sum = 0;
    for (const Sample& sample : samples) {
        const Real error = weighted_error(sample, coefficients);
        sum += error * error;
    }
    return std::sqrt(sum);
}

Real largest_error(const std::vector<Sample>& samples, const Vector& coefficients) {
    Real largest = 0;
    for (const Sample& sample : samples) {
        largest = std::max(largest, std::abs(weighted_error(sample, coefficients)));
    }
    return largest;
}

/// Solves a square system by elimination with row pivoting.
Vector solve(Matrix a, Vector b) {
    const std::size_t size = b.size();
    for (std::size_t c = 0; c < size; ++c) {
        std::size_t pivot = c;
        for (std::size_t r = c + 1; r < size; ++r) {
            if (std::abs(a[r][c]) > std::abs(a[pivot][c])) {
                pivot = r;
            }
        }
        std::swap(a[c], a[pivot]);
        std::swap(b[c], b[pivot]);
        for (std::size_t r = c + 1; r < size; ++r) {
            const Real factor = a[r][c] / a[c][c];
            for (std::size_t k = c; k < size; ++k) {
                a[r][k] -= factor * a[c][k];
            }
            b[r] -= factor * b[c];
        }
    }
    for (std::size_t r = size; r-- > 0;) {
        for (std::size_t k = r + 1; k < size; ++k) {
            b[r] -= a[r][k] * b[k];
        }
        b[r] /= a[r][r];
    }
    return b;
}

/// The sum of squared errors of samples as e*^2 + |R (c - c*)|^2.
struct Quadratic {
    Matrix triangle;  ///< R, upper triangular
    Vector centre;    ///< c*
    Real least = 0;   ///< e*^2
};

/// Householder reduction of the weighted Vandermonde matrix: unlike the normal equations it keeps the full
/// precision.
Quadratic quadratic(const std::vector<Sample>& samples, std::size_t degree) {
    const std::size_t columns = degree + 2;  // the monomials, then the values
    Matrix a(columns, Vector(samples.size()));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        Real power = samples[i].weight;
        for (std::size_t c = 0; c <= degree; ++c) {
            a[c][i] = power;
            power *= samples[i].x;
        }
        a[degree + 1][i] = samples[i].weight * samples[i].value;
    }
    Quadratic result;
    for (std::size_t c = 0; c <= degree; ++c) {
        Real norm = 0;
        for (std::size_t i = c; i < samples.size(); ++i) {
            norm += a[c][i] * a[c][i];
        }
        const Real diagonal = a[c][c] > 0 ? -std::sqrt(norm) : std::sqrt(norm);
        Vector reflector(a[c].begin() + static_cast<std::ptrdiff_t>(c), a[c].end());
        reflector[0] -= diagonal;
        const Real scale = -1 / (reflector[0] * diagonal);  // 2 / |reflector|^2
        for (std::size_t k = c; k < columns; ++k) {
            Real product = 0;
            for (std::size_t i = c; i < samples.size(); ++i) {
                product += reflector[i - c] * a[k][i];
            }
            for (std::size_t i = c; i < samples.size(); ++i) {
                a[k][i] -= scale * product * reflector[i - c];
            }
        }
    }
    result.triangle.assign(degree + 1, Vector(degree + 1));
    Vector right(degree + 1);
    for (std::size_t r = 0; r <= degree; ++r) {
        for (std::size_t c = r; c <= degree; ++c) {
            result.triangle[r][c] = a[c][r];
        }
        right[r] = a[degree + 1][r];
    }
    for (std::size_t i = degree + 1; i < samples.size(); ++i) {
        result.least += a[degree + 1][i] * a[degree + 1][i];
    }
    result.centre = solve(result.triangle, right);
    return result;
}

struct Remez {
    Vector coefficients;
    std::vector<std::size_t> reference;  ///< degree + 2 grid indices, rising, where the error alternates
};

/// The polynomial whose weighted errors at the reference points are +e, -e, +e ... for some e: its
/// coefficients, then e.
Vector levelled(const std::vector<Sample>& samples, const std::vector<std::size_t>& reference) {
    const std::size_t points = reference.size();
    Matrix a(points, Vector(points));
    Vector b(points);
    for (std::size_t i = 0; i < points; ++i) {
        const Sample& sample = samples[reference[i]];
        Real power = sample.weight;
        for (std::size_t c = 0; c + 1 < points; ++c) {
            a[i][c] = power;
            power *= sample.x;
        }
        a[i][points - 1] = i % 2 == 0 ? 1 : -1;
        b[i] = sample.weight * sample.value;
    }
    return solve(std::move(a), std::move(b));
}

/// Puts a new point into the reference for a neighbour whose error has the same sign, so that signs go on
/// alternating. `positive_first`: the error at the first reference point is positive; `positive`: at the new
/// one.
void exchange(std::vector<std::size_t>& reference, std::size_t point, bool positive_first, bool positive) {
    const auto same_sign = [&](std::size_t i) { return ((i % 2 == 0) == positive_first) == positive; };
    if (point < reference.front()) {
        if (!same_sign(0)) {
            std::rotate(reference.begin(), reference.end() - 1, reference.end());
        }
        reference.front() = point;
    } else if (point > reference.back()) {
        if (!same_sign(reference.size() - 1)) {
            std::rotate(reference.begin(), reference.begin() + 1, reference.end());
        }
        reference.back() = point;
    } else {
        const auto above = std::upper_bound(reference.begin(), reference.end(), point);
        const auto index = static_cast<std::size_t>(above - reference.begin());
        reference[same_sign(index) ? index : index - 1] = point;
    }
}

/// The best polynomial on the grid in the weighted maximum norm, by single-point exchange (Cheney 1966,
/// chapter 3): the levelled error grows with every exchange and ends as the largest error. Where rounding
/// ends that growth first, the best polynomial seen is returned.
Remez remez(const std::vector<Sample>& samples, std::size_t degree) {
    constexpr int maximum_exchanges = 1000;
    const std::size_t points = degree + 2;
    std::vector<std::size_t> reference;
    for (std::size_t i = 0; i < points; ++i) {
        reference.push_back(i * (samples.size() - 1) / (points - 1));
    }
    const Real rounding = 1e-15L * largest_error(samples, Vector(1));
    Remez best;
    Real best_error = std::numeric_limits<Real>::infinity();
    for (int round = 0; round < maximum_exchanges; ++round) {
        Vector coefficients = levelled(samples, reference);
        const Real level = coefficients.back();
        coefficients.pop_back();
        std::size_t worst = 0;
        Real error = 0;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const Real here = weighted_error(samples[i], coefficients);
            if (std::abs(here) > std::abs(error)) {
                worst = i;
                error = here;
            }
        }
        if (std::abs(error) < best_error) {
            best_error = std::abs(error);
            best = {std::move(coefficients), reference};
        }
        if (std::abs(error) <= std::abs(level) * (1 + slack) + rounding ||
            std::find(reference.begin(), reference.end(), worst) != reference.end()) {
            break;
        }
        exchange(reference, worst, level >= 0, error > 0);
    }
    return best;
}

/// The measure on the Remez points under which the L2 optimum is the minimax optimum: the weighted errors are
/// +-e there, and optimality asks that sum m_i weight_i^2 error_i x_i^j = 0 for all j, i.e. that m_i weight_i
/// alternates like the divided-difference coefficients 1 / prod (x_i - x_j).
std::vector<Sample> dual_measure(const std::vector<Sample>& samples, const Remez& best) {
    std::vector<Sample> result;
    Real mass = 0;
    for (const std::size_t i : best.reference) {
        Real product = 1;
        for (const std::size_t j : best.reference) {
            product *= i == j ? 1 : std::abs(samples[i].x - samples[j].x);
        }
        result.push_back(samples[i]);
        result.back().weight = 1 / (product * samples[i].weight);
        mass += result.back().weight;
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[i].weight = std::sqrt(result[i].weight / mass) * samples[best.reference[i]].weight;
    }
    return result;
}

/// Visits coefficient vectors over the alphabet, highest coefficient first and nearest to the centre first,
/// leaving out those whose |R (c - c*)|^2 alone passes the radius that the best so far leaves.
class Enumeration {
  public:
    /// `measure` returns the true error of a vector, or anything above `limit` once that is passed.
    using Measure = std::function<Real(const Vector&, Real limit)>;

    Enumeration(const Quadratic& quadratic, const FitProblem& problem, Measure measure)
        : quadratic_(quadratic), measure_(std::move(measure)), current_(problem.degree + 1) {
        alphabet_.push_back(0);
        for (int k = problem.lowest_exponent; k <= problem.highest_exponent; ++k) {
            alphabet_.push_back(std::ldexp(Real{1}, k));
            alphabet_.push_back(-std::ldexp(Real{1}, k));
        }
    }

    Vector run() {
        descend(current_.size(), quadratic_.least);
        return best_;
    }

  private:
    /// Coefficients `level` and up are chosen; `bound` is what they add to the least possible squared error.
    void descend(std::size_t level, Real bound) {
        if (level == 0) {
            const Real error = measure_(current_, best_error_);
            if (best_.empty() || error < best_error_ * (1 - slack)) {
                best_ = current_;
                best_error_ = error;
            }
            return;
        }
        const std::size_t i = level - 1;
        const Vector& row = quadratic_.triangle[i];
        Real target = row[i] * quadratic_.centre[i];
        for (std::size_t k = level; k < current_.size(); ++k) {
            target -= row[k] * (current_[k] - quadratic_.centre[k]);
        }
        std::vector<std::pair<Real, Real>> choices;
        choices.reserve(alphabet_.size());
        for (const Real letter : alphabet_) {
            const Real distance = row[i] * letter - target;
            choices.emplace_back(distance * distance, letter);
        }
        std::sort(choices.begin(), choices.end(),
                  [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& [distance, letter] : choices) {
            if (!best_.empty() && bound + distance > best_error_ * best_error_ * (1 + slack)) {
                return;
            }
            current_[i] = letter;
            descend(i, bound + distance);
        }
    }

    const Quadratic& quadratic_;
    Measure measure_;
    Vector alphabet_;
    Vector current_;
    Vector best_;
    Real best_error_ = std::numeric_limits<Real>::infinity();
};

FittedPolynomial fitted(const Vector& coefficients, Real error) {
    return {{coefficients.begin(), coefficients.end()}, static_cast<double>(error)};
}

ActivationFit fit_l2(const FitProblem& problem) {
    const std::vector<Sample> samples = quadrature(problem);
    const Quadratic form = quadratic(samples, problem.degree);
    const auto measure = [&](const Vector& coefficients, Real) {
        Real sum = form.least;
        for (std::size_t r = 0; r < coefficients.size(); ++r) {
            Real entry = 0;
            for (std::size_t c = r; c < coefficients.size(); ++c) {
                entry += form.triangle[r][c] * (coefficients[c] - form.centre[c]);
            }
            sum += entry * entry;
        }
        return std::sqrt(sum);
    };
    const Vector best = Enumeration(form, problem, measure).run();
    return {fitted(best, root_of_squares(samples, best)),
            fitted(form.centre, root_of_squares(samples, form.centre))};
}

ActivationFit fit_minimax(const FitProblem& problem) {
    const std::vector<Sample> samples = grid(problem);
    const Remez optimum = remez(samples, problem.degree);
    const Quadratic form = quadratic(dual_measure(samples, optimum), problem.degree);
    // Most vectors fail at one of a few points, so these come first.
    std::vector<Sample> order;
    for (std::size_t i = 0; i < samples.size(); i += grid_intervals / 16) {
        order.push_back(samples[i]);
    }
    order.insert(order.end(), samples.begin(), samples.end());
    const auto measure = [&](const Vector& coefficients, Real limit) {
        Real largest = 0;
        for (const Sample& sample : order) {
            largest = std::max(largest, std::abs(weighted_error(sample, coefficients)));
            if (largest > limit) {
                break;
            }
        }
        return largest;
    };
    const Vector best = Enumeration(form, problem, measure).run();
    return {fitted(best, largest_error(samples, best)),
            fitted(optimum.coefficients, largest_error(samples, optimum.coefficients))};
}

}  // namespace

ActivationFunction activation_function(std::string_view name) {
    for (const Name& entry : names) {
        if (entry.name == name) {
            return entry.function;
        }
    }
    throw Error("activation function: expected relu, silu, swish, gelu, softplus, sigmoid or tanh, found '" +
                std::string(name.substr(0, 40)) + "'; choose one of these");
}

std::string_view activation_name(ActivationFunction function) {
    return names[static_cast<std::size_t>(function)].name;
}

double activation_value(ActivationFunction function, double x) {
    switch (function) {
        case ActivationFunction::relu:
            return std::max(x, 0.0);
        case ActivationFunction::silu:
            return x / (1 + std::exp(-x));
        case ActivationFunction::gelu:
            return x / 2 * std::erfc(-x / std::numbers::sqrt2);
        case ActivationFunction::softplus:
            return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
        case ActivationFunction::sigmoid:
            return 1 / (1 + std::exp(-x));
        case ActivationFunction::tanh:
            return std::tanh(x);
    }
    throw Error("activation function: expected one of the enumeration, found another value; use its names");
}

double fit_error(const FitProblem& problem, const std::vector<double>& coefficients) {
    check(problem);
    const Vector exact(coefficients.begin(), coefficients.end());
    return static_cast<double>(problem.norm == FitNorm::l2 ? root_of_squares(quadrature(problem), exact)
                                                           : largest_error(grid(problem), exact));
}

ActivationFit fit_activation(const FitProblem& problem) {
    check(problem);
    return problem.norm == FitNorm::l2 ? fit_l2(problem) : fit_minimax(problem);
}

}  // namespace lacuna
