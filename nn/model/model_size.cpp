// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/model_size.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>

#include <lacuna/nn/model/digits.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

std::size_t bit_length(const mpz_class& value) {
    return mpz_sizeinbase(value.get_mpz_t(), 2);
}

/// One linear layer, its weights counted once for each output position.
struct LinearSize {
    std::size_t terms = 0;
    double digits = 0;         ///< of the terms' non-adjacent forms
    std::uint64_t norm = 0;    ///< largest sum of |weight| of a row: at most 2^26 times 2^30
    std::size_t exponent = 0;  ///< largest of a digit, bias included
    mpz_class bias = 0;        ///< largest absolute one
};

void add_bias(LinearSize& size, const std::vector<mpz_class>& bias) {
    for (const mpz_class& value : bias) {
        if (mpz_cmpabs(value.get_mpz_t(), size.bias.get_mpz_t()) > 0) {
            size.bias = abs(value);
        }
    }
    size.exponent = std::max(size.exponent, bit_length(size.bias));
}

/// positions: outputs of a row.
LinearSize size_of(const WeightMatrix& weights, const std::vector<mpz_class>& bias, std::size_t positions) {
    LinearSize size;
    for (const auto& row : weights.rows) {
        std::uint64_t sum = 0;
        std::size_t digits = 0;
        for (const WeightTerm& term : row) {
            const auto magnitude = static_cast<std::uint64_t>(std::abs(term.weight));
            sum += magnitude;
            // x and 3x differ where the non-adjacent form of x has its digits, one place up.
            digits += static_cast<std::size_t>(std::popcount(magnitude ^ (3 * magnitude)));
            size.exponent = std::max(size.exponent, static_cast<std::size_t>(std::bit_width(magnitude)));
        }
        size.norm = std::max(size.norm, sum);
        size.terms += row.size() * positions;
        size.digits += static_cast<double>(digits) * static_cast<double>(positions);
    }
    add_bias(size, bias);
    return size;
}

/// Elements under a window that moves along one axis, padding left out, over all its positions.
std::size_t covered(std::size_t size, std::size_t window, std::size_t stride, std::size_t padding,
                    std::size_t positions) {
    std::size_t sum = 0;
    for (std::size_t o = 0; o < positions; ++o) {
        const std::size_t first = std::max(o * stride, padding);
        const std::size_t end = std::min(o * stride + window, size + padding);
        sum += end > first ? end - first : 0;
    }
    return sum;
}

LinearSize size_of(const Layer& layer, const Shape& input, const Shape& output) {
    if (const auto* convolution = std::get_if<Convolution>(&layer.kind)) {
        return size_of(convolution->weights, convolution->bias, output.height * output.width);
    }
    if (const auto* dense = std::get_if<Dense>(&layer.kind)) {
        return size_of(dense->weights, dense->bias, 1);
    }
    const auto& pool = std::get<SumPool>(layer.kind);
    LinearSize size;
    size.terms = input.channels *
                 covered(input.height, pool.window.vertical, pool.stride.vertical, pool.padding.vertical,
                         output.height) *
                 covered(input.width, pool.window.horizontal, pool.stride.horizontal, pool.padding.horizontal,
                         output.width);
    size.digits = static_cast<double>(size.terms);
    size.norm = std::min(pool.window.vertical, input.height) * std::min(pool.window.horizontal, input.width);
    return size;
}

/// Names a layer in errors.
class Place {
  public:
    Place(const std::string& prefix, std::size_t index, const Layer& layer)
        : text_(prefix + "layers[" + std::to_string(index) + "] '" + layer.name + "': ") {}

    /// Throws Error unless found <= limit; what: "terms ..."; advice: what to do.
    void check(double found, double limit, const std::string& what, const char* advice) const {
        if (!(found <= limit)) {
            throw Error(text_ + "expected at most " + text(limit) + " " + what + ", found " + text(found) +
                        "; " + advice);
        }
    }

  private:
    static std::string text(double count) {
        constexpr double readable = 1e15;
        return count < readable ? std::to_string(static_cast<std::uint64_t>(count)) : "more than 10^15";
    }

    std::string text_;
};

/// Bound on everything that Horner's rule touches for |x| <= magnitude.
mpz_class horner_bound(const Activation& activation, const mpz_class& magnitude) {
    const mpz_class x = std::max(magnitude, mpz_class(1));
    mpz_class bound;
    for (std::size_t i = activation.coefficients.size(); i-- > 0;) {
        bound = bound * x + abs(activation.coefficients[i]);
    }
    return bound;
}

/// Multiplications of polynomial_range() on one interval: the derivatives of degree k = 1 ... d - 1 have at
/// most k changes of sign each, every one found by halving the interval, with an evaluation by Horner's rule
/// in every step. Longer values cost more a step.
double range_steps(std::size_t degree, std::size_t input_bits, std::size_t value_bits) {
    constexpr double words_that_cost_as_much_again = 8;
    const auto d = static_cast<double>(degree);
    const double halvings = d * (d - 1) / 2 * static_cast<double>(input_bits);
    const double words = static_cast<double>(value_bits) / 64;
    return (halvings + 2) * d * (1 + words / words_that_cost_as_much_again);
}

}  // namespace

ModelSize check_size(const Model& model, const std::vector<Shape>& shapes, const std::string& prefix) {
    using Limits = ModelSizeLimits;
    ModelSize size;
    mpz_class magnitude = model.input_maximum();
    size.words = shapes.front().size();
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const Layer& layer = model.layers[l];
        const Place place(prefix, l, layer);
        const std::size_t input_bits = bit_length(magnitude);
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            magnitude = std::max(magnitude, horner_bound(*activation, magnitude));
        } else if (is_linear(layer)) {
            const LinearSize linear = size_of(layer, shapes[l], shapes[l + 1]);
            place.check(static_cast<double>(linear.terms), static_cast<double>(ModelLimits::map_terms),
                        "terms in a linear layer written out", "use a smaller layer or prune it");
            size.terms += linear.terms;
            place.check(static_cast<double>(size.terms), static_cast<double>(Limits::terms),
                        "terms in all linear layers up to here written out",
                        "use smaller layers or prune them");
            magnitude = std::max(magnitude, mpz_class(magnitude * to_mpz(linear.norm) + linear.bias));
        }
        const std::size_t bits = bit_length(magnitude);
        size.value_bits = std::max(size.value_bits, bits);
        place.check(static_cast<double>(bits), static_cast<double>(Limits::value_bits),
                    "bits in any value and partial sum",
                    "use smaller weights and coefficients, or fewer or lower-degree activations");
        size.words += shapes[l + 1].size() * ((bits + 63) / 64);
        place.check(static_cast<double>(size.words), static_cast<double>(Limits::words),
                    "words of 64 bits in the values of all layers up to here", "use fewer or smaller layers");
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            size.range_steps +=
                static_cast<double>(shapes[l].size()) * range_steps(activation->degree(), input_bits, bits);
            place.check(size.range_steps, Limits::range_steps,
                        "multiplications to find the ranges of all activations up to here",
                        "use smaller layers or coefficients, or a lower degree");
        }
    }
    return size;
}

DigitSize check_digit_size(const Model& model, const std::vector<Shape>& shapes, const std::string& prefix) {
    using Limits = ModelSizeLimits;
    constexpr double largest_degree = 32767;  // what the ranges refuse themselves
    DigitSize size;
    double degree = static_cast<double>(std::bit_width(static_cast<unsigned>(model.input_maximum())) - 1);
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const Layer& layer = model.layers[l];
        const Place place(prefix, l, layer);
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            // x^i = x^(i/2) x^(i - i/2), then every coefficient's digits times a power.
            const auto elements = static_cast<double>(shapes[l].size());
            double steps = 0;
            double exponent = 0;
            for (std::size_t i = 0; i <= activation->degree(); ++i) {
                const auto low = static_cast<double>(i / 2);
                const auto high = static_cast<double>(i - i / 2);
                if (i > 1) {
                    steps += (low * degree + 1) * (high * degree + 1);
                }
                const std::vector<Digit> digits = naf(activation->coefficients[i]);
                steps += static_cast<double>(digits.size()) * (static_cast<double>(i) * degree + 1);
                exponent =
                    std::max(exponent, digits.empty() ? 0.0 : static_cast<double>(digits.back().exponent));
            }
            size.steps += elements * steps;
            degree = static_cast<double>(activation->degree()) * degree + exponent;
        } else if (is_linear(layer)) {
            const LinearSize linear = size_of(layer, shapes[l], shapes[l + 1]);
            size.steps += linear.digits * (degree + 1);
            degree += static_cast<double>(linear.exponent);
        }
        degree = std::min(degree, largest_degree);
        place.check(size.steps, Limits::digit_steps,
                    "sums and products of digit coefficients in all layers up to here",
                    "use images in slots, or a smaller network");
        size.words = std::max(size.words, static_cast<double>(shapes[l + 1].size()) * (degree + 1));
        place.check(size.words, Limits::digit_words, "coefficients of digit polynomials in a layer",
                    "use images in slots, or a smaller network");
    }
    return size;
}

}  // namespace lacuna
