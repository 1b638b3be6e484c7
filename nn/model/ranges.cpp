// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/ranges.h>

#include <algorithm>
#include <bit>
#include <utility>

#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/model/model_size.h>
#include <lacuna/nn/program/program.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

namespace {

constexpr std::size_t maximum_bits = 65536;
constexpr std::size_t maximum_degree = 32767;

mpz_class evaluate(std::span<const mpz_class> coefficients, const mpz_class& x) {
    mpz_class value;
    for (std::size_t i = coefficients.size(); i-- > 0;) {
        value = value * x + coefficients[i];
    }
    return value;
}

std::vector<mpz_class> derivative(std::span<const mpz_class> coefficients) {
    std::vector<mpz_class> result;
    for (std::size_t i = 1; i < coefficients.size(); ++i) {
        result.push_back(coefficients[i] * static_cast<unsigned long>(i));
    }
    return result;
}

/// Integers c, rising, such that the polynomial keeps its sign (never goes from positive to negative or back)
/// between any two integers of the domain with no cell [c, c + 1] between them.
///
/// Outside the cells of its derivative the polynomial is monotone, so each stretch there holds at most one
/// change of sign, found by bisection; the derivative's cells join the list because inside one anything may
/// happen.
std::vector<mpz_class> sign_cells(std::span<const mpz_class> coefficients, const Interval& domain) {
    if (coefficients.size() < 2) {
        return {};
    }
    const std::vector<mpz_class> slope = derivative(coefficients);
    std::vector<mpz_class> cells = sign_cells(slope, domain);
    std::vector<mpz_class> changes;
    mpz_class left = domain.low;
    for (std::size_t i = 0; i <= cells.size(); ++i) {
        const mpz_class right = i < cells.size() ? cells[i] : domain.high;
        const int left_sign = sgn(evaluate(coefficients, left));
        if (left < right && left_sign * sgn(evaluate(coefficients, right)) < 0) {
            mpz_class low = left;
            mpz_class high = right;
            while (high - low > 1) {
                const mpz_class middle = low + (high - low) / 2;
                (sgn(evaluate(coefficients, middle)) == left_sign ? low : high) = middle;
            }
            changes.push_back(low);
        }
        if (i < cells.size()) {
            left = cells[i] + 1;
        }
    }
    cells.insert(cells.end(), changes.begin(), changes.end());
    std::sort(cells.begin(), cells.end());
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
    return cells;
}

void check_size(const Layer& layer, const mpz_class& value) {
    if (mpz_sizeinbase(value.get_mpz_t(), 2) > maximum_bits) {
        throw Error("layer '" + layer.name + "': expected values of at most " + std::to_string(maximum_bits) +
                    " bits, found a range beyond; use fewer or lower-degree activations");
    }
}

/// Bound on the coefficients and every partial result of Horner's rule for |x| <= magnitude.
mpz_class horner_bound(const Activation& activation, const mpz_class& magnitude) {
    const mpz_class x = std::max(magnitude, mpz_class(1));
    mpz_class bound;
    for (std::size_t i = activation.coefficients.size(); i-- > 0;) {
        bound = bound * x + abs(activation.coefficients[i]);
    }
    return std::max(bound, magnitude);
}

// The digit polynomial of one element: index = exponent, entry = interval of the coefficient.
using DigitRange = std::vector<Interval>;

bool is_zero(const Interval& interval) {
    return interval.low == 0 && interval.high == 0;
}

void trim(DigitRange& range) {
    while (!range.empty() && is_zero(range.back())) {
        range.pop_back();
    }
}

void check_degree(const Layer& layer, std::size_t degree) {
    if (degree > maximum_degree) {
        throw Error("layer '" + layer.name + "': expected digit polynomials of degree at most " +
                    std::to_string(maximum_degree) + ", found " + std::to_string(degree) +
                    "; use images in slots, or a network of smaller depth and weights");
    }
}

/// target += sign * x^exponent * source.
void add_shifted(DigitRange& target, const DigitRange& source, const Digit& digit) {
    if (target.size() < source.size() + digit.exponent) {
        target.resize(source.size() + digit.exponent);
    }
    for (std::size_t i = 0; i < source.size(); ++i) {
        Interval& entry = target[i + digit.exponent];
        if (digit.sign > 0) {
            entry.low += source[i].low;
            entry.high += source[i].high;
        } else {
            entry.low -= source[i].high;
            entry.high -= source[i].low;
        }
    }
}

/// target += value * source, value as its non-adjacent form.
void add_multiple(const Layer& layer, DigitRange& target, const DigitRange& source, const mpz_class& value) {
    if (source.empty() || value == 0) {
        return;
    }
    const std::vector<Digit> digits = naf(value);
    check_degree(layer, source.size() - 1 + digits.back().exponent);
    for (const Digit& digit : digits) {
        add_shifted(target, source, digit);
    }
}

void add_product(Interval& target, const Interval& a, const Interval& b) {
    const mpz_class products[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    const auto [low, high] = std::minmax_element(std::begin(products), std::end(products));
    target.low += *low;
    target.high += *high;
}

void add_square(Interval& target, const Interval& a) {
    const mpz_class low = a.low * a.low;
    const mpz_class high = a.high * a.high;
    if (a.low > 0 || a.high < 0) {
        target.low += std::min(low, high);
    }
    target.high += std::max(low, high);
}

DigitRange multiply(const DigitRange& a, const DigitRange& b) {
    if (a.empty() || b.empty()) {
        return {};
    }
    DigitRange product(a.size() + b.size() - 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < b.size() && !is_zero(a[i]); ++j) {
            add_product(product[i + j], a[i], b[j]);
        }
    }
    return product;
}

DigitRange square(const DigitRange& a) {
    if (a.empty()) {
        return {};
    }
    DigitRange half(2 * a.size() - 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = i + 1; j < a.size() && !is_zero(a[i]); ++j) {
            add_product(half[i + j], a[i], a[j]);
        }
    }
    for (Interval& entry : half) {
        entry.low *= 2;
        entry.high *= 2;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        add_square(half[2 * i], a[i]);
    }
    return half;
}

std::vector<DigitRange> linear_digits(const ExpandedModel& model, std::size_t index,
                                      const std::vector<DigitRange>& input) {
    const Layer& layer = model.layers()[index];
    const LinearMap& map = model.map(index);
    const DigitRange one{Interval{1, 1}};
    std::vector<DigitRange> output(map.weights.rows.size());
    for (std::size_t o = 0; o < output.size(); ++o) {
        model.check_stop();
        for (const WeightTerm& term : map.weights.rows[o]) {
            add_multiple(layer, output[o], input[term.column], to_signed_mpz(term.weight));
        }
        add_multiple(layer, output[o], one, map.bias[o]);
        trim(output[o]);
    }
    return output;
}

DigitRange activation_digits(const Layer& layer, const Activation& activation, const DigitRange& x) {
    const std::size_t degree = activation.degree();
    check_degree(layer, x.empty() ? 0 : degree * (x.size() - 1));
    std::vector<DigitRange> powers(std::max<std::size_t>(degree + 1, 2));
    powers[0] = {Interval{1, 1}};
    powers[1] = x;
    std::vector<bool> needed;
    for (const mpz_class& coefficient : activation.coefficients) {
        needed.push_back(coefficient != 0);
    }
    for (const Step& step : activation_steps(needed)) {
        if (const auto* product = step.get_if<ProductStep>()) {
            const PowerProduct& factors = product->powers;
            powers[factors.power()] = factors.is_square()
                                          ? square(powers[factors.low])
                                          : multiply(powers[factors.low], powers[factors.high]);
        }
    }
    DigitRange result;
    for (std::size_t i = 0; i <= degree; ++i) {
        add_multiple(layer, result, powers[i], activation.coefficients[i]);
    }
    trim(result);
    return result;
}

RadixRanges::Layer digit_hull(const std::vector<DigitRange>& elements) {
    RadixRanges::Layer layer;
    for (const DigitRange& element : elements) {
        if (layer.coefficients.size() < element.size()) {
            layer.coefficients.resize(element.size());
        }
    }
    for (std::size_t k = 0; k < layer.coefficients.size(); ++k) {
        Interval& entry = layer.coefficients[k];
        bool first = true;
        for (const DigitRange& element : elements) {
            const Interval range = k < element.size() ? element[k] : Interval{};
            entry.low = first ? range.low : std::min(entry.low, range.low);
            entry.high = first ? range.high : std::max(entry.high, range.high);
            first = false;
        }
    }
    return layer;
}

}  // namespace

mpz_class Interval::magnitude() const {
    const mpz_class below = abs(low);
    const mpz_class above = abs(high);
    return std::max(below, above);
}

Interval hull(std::span<const Interval> intervals) {
    if (intervals.empty()) {
        return {};
    }
    Interval result = intervals.front();
    for (const Interval& interval : intervals) {
        result.low = std::min(result.low, interval.low);
        result.high = std::max(result.high, interval.high);
    }
    return result;
}

Interval polynomial_range(std::span<const mpz_class> coefficients, const Interval& domain) {
    if (domain.low > domain.high) {
        throw Error("polynomial range: expected a domain low <= high, found [" + domain.low.get_str() + ", " +
                    domain.high.get_str() + "]; swap the ends");
    }
    const mpz_class first = evaluate(coefficients, domain.low);
    Interval range{first, first};
    const auto include = [&](const mpz_class& x) {
        const mpz_class value = evaluate(coefficients, x);
        range.low = std::min(range.low, value);
        range.high = std::max(range.high, value);
    };
    include(domain.high);
    // Between the cells in which the slope may change sign the polynomial is monotone, so its extreme
    // integers are the ends of the domain and of those cells.
    for (const mpz_class& cell : sign_cells(derivative(coefficients), domain)) {
        include(cell);
        include(cell + 1);
    }
    return range;
}

mpz_class SlotRanges::largest_working() const {
    return *std::max_element(working.begin(), working.end());
}

SlotRanges slot_ranges(const Model& model) {
    return slot_ranges(ExpandedModel(model));
}

SlotRanges slot_ranges(const ExpandedModel& model) {
    SlotRanges ranges;
    std::vector<Interval>& levels = ranges.values.emplace_back();
    for (std::size_t e = 0; e < model.shapes()[0].size(); ++e) {
        levels.push_back({0, model.model().input_maximum(e)});
    }
    ranges.working.emplace_back(model.model().input_maximum());
    for (std::size_t l = 0; l < model.layers().size(); ++l) {
        const Layer& layer = model.layers()[l];
        const std::vector<Interval>& input = ranges.values.back();
        std::vector<Interval> output;
        mpz_class working = hull(input).magnitude();
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            output.reserve(input.size());
            for (const Interval& x : input) {
                model.check_stop();
                output.push_back(polynomial_range(activation->coefficients, x));
            }
            working = horner_bound(*activation, working);
        } else if (is_linear(layer)) {
            const LinearMap& map = model.map(l);
            output.reserve(map.weights.rows.size());
            for (std::size_t o = 0; o < map.weights.rows.size(); ++o) {
                model.check_stop();
                Interval sum{map.bias[o], map.bias[o]};
                mpz_class bound = abs(map.bias[o]);
                for (const WeightTerm& term : map.weights.rows[o]) {
                    const Interval& x = input[term.column];
                    const mpz_class weight = to_signed_mpz(term.weight);
                    sum.low += weight * (term.weight > 0 ? x.low : x.high);
                    sum.high += weight * (term.weight > 0 ? x.high : x.low);
                    bound += abs(weight) * x.magnitude();
                }
                working = std::max(working, bound);
                output.push_back(std::move(sum));
            }
        } else {
            output = input;
        }
        check_size(layer, working);
        ranges.values.push_back(std::move(output));
        ranges.working.push_back(std::move(working));
    }
    return ranges;
}

mpz_class RadixRanges::largest_logit_coefficient() const {
    mpz_class largest;
    for (const auto& logit : logits) {
        largest = std::max(largest, hull(logit).magnitude());
    }
    return largest;
}

std::size_t RadixRanges::largest_degree() const {
    std::size_t largest = 0;
    for (const Layer& layer : layers) {
        largest = std::max(largest, layer.degree());
    }
    return largest;
}

RadixRanges radix_ranges(const Model& model) {
    return radix_ranges(ExpandedModel(model));
}

RadixRanges radix_ranges(const ExpandedModel& model) {
    check_digit_size(model.model(), model.shapes(), "");
    // A level of 0 ... max has as many binary digits as max, and each of them is 0 for some level and 1 for
    // another.
    std::vector<DigitRange> elements;
    for (std::size_t e = 0; e < model.shapes()[0].size(); ++e) {
        const auto maximum = static_cast<unsigned>(model.model().input_maximum(e));
        elements.emplace_back(std::bit_width(maximum), Interval{0, 1});
    }
    RadixRanges ranges;
    ranges.layers.push_back(digit_hull(elements));
    for (std::size_t l = 0; l < model.layers().size(); ++l) {
        const Layer& layer = model.layers()[l];
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            for (DigitRange& element : elements) {
                model.check_stop();
                element = activation_digits(layer, *activation, element);
            }
        } else if (is_linear(layer)) {
            elements = linear_digits(model, l, elements);
        }
        ranges.layers.push_back(digit_hull(elements));
    }
    ranges.logits = std::move(elements);
    return ranges;
}

}  // namespace lacuna
