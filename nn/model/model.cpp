// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/model.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <lacuna/nn/model/model_size.h>
#include <lacuna/nn/model/overloaded.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

[[noreturn]] void fail(const std::string& place, const std::string& expected, const std::string& found,
                       const std::string& advice) {
    throw Error(place + ": expected " + expected + ", found " + found + "; " + advice);
}

std::string text(const Shape& shape) {
    return std::to_string(shape.channels) + " x " + std::to_string(shape.height) + " x " +
           std::to_string(shape.width);
}

std::string between(std::size_t low, std::size_t high) {
    return "an integer from " + std::to_string(low) + " to " + std::to_string(high);
}

void check_between(const std::string& place, std::size_t value, std::size_t low, std::size_t high) {
    if (value < low || value > high) {
        fail(place, between(low, high), std::to_string(value), "change this value");
    }
}

void check_name(const std::string& place, const std::string& name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    if (name.empty() || name.size() > ModelLimits::name_length) {
        fail(place, "1 to " + std::to_string(ModelLimits::name_length) + " characters",
             std::to_string(name.size()) + " characters", "choose another name");
    }
    if (!std::all_of(name.begin(), name.end(), allowed)) {
        fail(place, "only the characters a-z 0-9 - _", "others", "choose another name");
    }
}

void check_elements(const std::string& place, const Shape& shape) {
    // Height and width are below 2^32 here, so their product fits; the second is guarded by a division.
    const std::size_t plane = shape.height * shape.width;
    if (plane > ModelLimits::elements || shape.channels > ModelLimits::elements / plane) {
        fail(place, "at most " + std::to_string(ModelLimits::elements) + " elements", text(shape),
             "make the tensor smaller");
    }
}

void check_shape(const std::string& place, const Shape& shape) {
    const std::string at = place + "input.shape";
    check_between(at + "[0]", shape.channels, 1, ModelLimits::dimension);
    check_between(at + "[1]", shape.height, 1, ModelLimits::dimension);
    check_between(at + "[2]", shape.width, 1, ModelLimits::dimension);
    check_elements(at, shape);
}

/// Shape after a window of the given kernel, stride and padding has moved over every channel; `window` is the
/// field's name in the file.
Shape windowed(const std::string& place, const char* window, const Extent& kernel, const Extent& stride,
               const Extent& padding, const Shape& input) {
    const auto along = [&](int axis, std::size_t size, std::size_t k, std::size_t s, std::size_t p) {
        const std::string index = std::string("[") + std::to_string(axis) + "]";
        check_between(place + "." + window + index, k, 1, ModelLimits::dimension);
        check_between(place + ".stride" + index, s, 1, ModelLimits::dimension);
        check_between(place + ".padding" + index, p, 0, k - 1);
        if (k > size + 2 * p) {
            fail(place + "." + window + index,
                 "at most the input's extent with padding, " + std::to_string(size + 2 * p),
                 std::to_string(k), "use a smaller window or more padding");
        }
        return (size + 2 * p - k) / s + 1;
    };
    return {input.channels, along(0, input.height, kernel.vertical, stride.vertical, padding.vertical),
            along(1, input.width, kernel.horizontal, stride.horizontal, padding.horizontal)};
}

void check_columns(const std::string& place, const WeightMatrix& weights, std::size_t inputs) {
    if (weights.columns != inputs) {
        fail(place + ".weights.columns", std::to_string(inputs) + " to fit the layer's input",
             std::to_string(weights.columns), "export the weights for this input shape");
    }
    if (inputs > ModelLimits::map_terms) {
        fail(place + ".weights.columns", "at most " + std::to_string(ModelLimits::map_terms),
             std::to_string(inputs), "use a smaller kernel");
    }
    if (weights.rows.empty()) {
        fail(place + ".weights.rows", "at least 1", "0", "a layer needs an output");
    }
}

/// Shape after a layer. `place` is the layer's place in the file.
Shape output_shape(const std::string& place, const Layer& layer, const Shape& input) {
    const Shape output =
        std::visit(Overloaded{[&](const Convolution& layer_kind) {
                                  Shape shape = windowed(place, "kernel", layer_kind.kernel,
                                                         layer_kind.stride, layer_kind.padding, input);
                                  check_columns(place, layer_kind.weights,
                                                input.channels * layer_kind.kernel.vertical *
                                                    layer_kind.kernel.horizontal);
                                  shape.channels = layer_kind.weights.rows.size();
                                  return shape;
                              },
                              [&](const Dense& layer_kind) {
                                  if (input.height != 1 || input.width != 1) {
                                      fail(place, "a flattened input", "the shape " + text(input),
                                           "put a flatten layer before it");
                                  }
                                  check_columns(place, layer_kind.weights, input.channels);
                                  return Shape{layer_kind.weights.rows.size(), 1, 1};
                              },
                              [&](const SumPool& layer_kind) {
                                  return windowed(place, "window", layer_kind.window, layer_kind.stride,
                                                  layer_kind.padding, input);
                              },
                              [&](const Activation&) { return input; },
                              [&](const Flatten&) {
                                  return Shape{input.size(), 1, 1};
                              }},
                   layer.kind);
    check_elements(place + ": output", output);
    return output;
}

std::vector<Shape> all_shapes(const std::string& prefix, const Model& model) {
    check_shape(prefix, model.input_shape);
    std::vector<Shape> shapes{model.input_shape};
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        shapes.push_back(
            output_shape(prefix + "layers[" + std::to_string(i) + "]", model.layers[i], shapes.back()));
    }
    return shapes;
}

void check_integer(const std::string& place, const mpz_class& value) {
    // 10^100 - 1 has 333 bits, so the cheap test settles nearly every value.
    static const mpz_class bound = [] {
        mpz_class power;
        mpz_ui_pow_ui(power.get_mpz_t(), 10, ModelLimits::integer_digits);
        return power;
    }();
    if (mpz_cmpabs(value.get_mpz_t(), bound.get_mpz_t()) >= 0) {
        fail(place, "at most " + std::to_string(ModelLimits::integer_digits) + " decimal digits",
             std::to_string(mpz_sizeinbase(value.get_mpz_t(), 10)), "scale the layer down");
    }
}

void check_weights(const std::string& place, const WeightMatrix& weights) {
    for (std::size_t r = 0; r < weights.rows.size(); ++r) {
        const auto& row = weights.rows[r];
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto at = [&] {
                return place + ".weights.terms[" + std::to_string(r) + "][" + std::to_string(i) + "]";
            };
            if (row[i].column >= weights.columns) {
                fail(at(), "a column below " + std::to_string(weights.columns), std::to_string(row[i].column),
                     "leave the term out");
            }
            if (i > 0 && row[i].column <= row[i - 1].column) {
                fail(at(), "a column above " + std::to_string(row[i - 1].column),
                     std::to_string(row[i].column), "sort the row by column, each column once");
            }
            if (row[i].weight == 0 || row[i].weight < -ModelLimits::weight ||
                row[i].weight > ModelLimits::weight) {
                fail(at(), "a weight other than 0 with |weight| <= 2^30", std::to_string(row[i].weight),
                     row[i].weight == 0 ? "leave the term out" : "scale the layer down");
            }
        }
    }
}

void check_bias(const std::string& place, const WeightMatrix& weights, const std::vector<mpz_class>& bias) {
    if (bias.size() != weights.rows.size()) {
        fail(place + ".bias", std::to_string(weights.rows.size()) + " integers, one per row of the weights",
             std::to_string(bias.size()), "give every output its bias, 0 where there is none");
    }
    for (std::size_t i = 0; i < bias.size(); ++i) {
        check_integer(place + ".bias[" + std::to_string(i) + "]", bias[i]);
    }
}

void check_activation(const std::string& place, const Activation& activation) {
    const std::string at = place + ".coefficients";
    if (activation.coefficients.size() < 2 || activation.coefficients.size() > ModelLimits::degree + 1) {
        fail(at, "2 to " + std::to_string(ModelLimits::degree + 1) + " coefficients",
             std::to_string(activation.coefficients.size()), "use a polynomial of degree 1 to 8");
    }
    for (std::size_t i = 0; i < activation.coefficients.size(); ++i) {
        check_integer(at + "[" + std::to_string(i) + "]", activation.coefficients[i]);
    }
    if (activation.coefficients.back() == 0) {
        fail(at, "a last coefficient other than 0", "0", "leave the trailing zeros out");
    }
}

/// Output positions of a window along one axis and, for each, the taps that do not fall into the padding.
struct Taps {
    std::size_t start;  ///< first input position covered
    std::size_t first;  ///< first tap inside the input
    std::size_t last;   ///< one past the last tap inside the input
};

std::vector<Taps> taps(std::size_t outputs, std::size_t size, std::size_t kernel, std::size_t stride,
                       std::size_t padding) {
    std::vector<Taps> result;
    result.reserve(outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
        const std::size_t position = o * stride;  // in padded coordinates
        const std::size_t first = std::min(kernel, position < padding ? padding - position : 0);
        const std::size_t end = size + padding;
        const std::size_t last = std::max(first, std::min(kernel, end > position ? end - position : 0));
        result.push_back({position + first - padding, first, last});
    }
    return result;
}

/// Refuses a map of more than ModelLimits::map_terms terms before any of it is built.
class TermBudget {
  public:
    TermBudget(const std::string& layer, const std::stop_token& stop) : layer_(layer), stop_(stop) {}
    void spend(std::size_t terms) {
        check_stop(stop_);
        if (terms > left_) {
            throw Error("layer '" + layer_ + "': written out it has more than " +
                        std::to_string(ModelLimits::map_terms) + " terms; use a smaller layer or prune it");
        }
        left_ -= terms;
    }

  private:
    const std::string& layer_;
    const std::stop_token& stop_;
    std::size_t left_ = ModelLimits::map_terms;
};

LinearMap convolution_map(const std::string& name, const Convolution& layer, const Shape& input,
                          const Shape& output, const std::stop_token& stop) {
    const auto rows = taps(output.height, input.height, layer.kernel.vertical, layer.stride.vertical,
                           layer.padding.vertical);
    const auto columns = taps(output.width, input.width, layer.kernel.horizontal, layer.stride.horizontal,
                              layer.padding.horizontal);
    TermBudget budget(name, stop);
    LinearMap map;
    map.weights.columns = input.size();
    map.weights.rows.reserve(output.size());
    map.bias.reserve(output.size());
    const std::size_t taps_per_channel = layer.kernel.vertical * layer.kernel.horizontal;
    for (std::size_t c = 0; c < output.channels; ++c) {
        const auto& kernel = layer.weights.rows[c];
        for (const Taps& y : rows) {
            for (const Taps& x : columns) {
                budget.spend(kernel.size());  // taps in the padding cost time here too
                std::vector<WeightTerm> terms;
                for (const WeightTerm& term : kernel) {
                    const std::size_t channel = term.column / taps_per_channel;
                    const std::size_t ky = term.column % taps_per_channel / layer.kernel.horizontal;
                    const std::size_t kx = term.column % layer.kernel.horizontal;
                    if (ky < y.first || ky >= y.last || kx < x.first || kx >= x.last) {
                        continue;
                    }
                    const std::size_t row = y.start + ky - y.first;
                    const std::size_t column = x.start + kx - x.first;
                    terms.push_back(
                        {static_cast<std::uint32_t>((channel * input.height + row) * input.width + column),
                         term.weight});
                }
                terms.shrink_to_fit();
                map.weights.rows.push_back(std::move(terms));
                map.bias.push_back(layer.bias[c]);
            }
        }
    }
    return map;
}

LinearMap sum_pool_map(const std::string& name, const SumPool& layer, const Shape& input, const Shape& output,
                       const std::stop_token& stop) {
    const auto rows = taps(output.height, input.height, layer.window.vertical, layer.stride.vertical,
                           layer.padding.vertical);
    const auto columns = taps(output.width, input.width, layer.window.horizontal, layer.stride.horizontal,
                              layer.padding.horizontal);
    TermBudget budget(name, stop);
    LinearMap map;
    map.weights.columns = input.size();
    map.weights.rows.reserve(output.size());
    map.bias.assign(output.size(), mpz_class(0));
    for (std::size_t c = 0; c < output.channels; ++c) {
        for (const Taps& y : rows) {
            for (const Taps& x : columns) {
                budget.spend((y.last - y.first) * (x.last - x.first));
                std::vector<WeightTerm> terms;
                terms.reserve((y.last - y.first) * (x.last - x.first));
                for (std::size_t row = y.start; row < y.start + (y.last - y.first); ++row) {
                    for (std::size_t column = x.start; column < x.start + (x.last - x.first); ++column) {
                        terms.push_back(
                            {static_cast<std::uint32_t>((c * input.height + row) * input.width + column), 1});
                    }
                }
                map.weights.rows.push_back(std::move(terms));
            }
        }
    }
    return map;
}

}  // namespace

std::size_t WeightMatrix::nonzeros() const {
    std::size_t count = 0;
    for (const auto& row : rows) {
        count += row.size();
    }
    return count;
}

int Model::quantise(std::uint8_t pixel, std::size_t element) const {
    const std::vector<int>& own = thresholds_of(thresholds, features, input_shape, element);
    return static_cast<int>(std::upper_bound(own.begin(), own.end(), int{pixel}) - own.begin());
}

int Model::input_maximum(std::size_t element) const {
    return static_cast<int>(thresholds_of(thresholds, features, input_shape, element).size());
}

int Model::input_maximum() const {
    std::size_t most = thresholds.size();
    for (const std::vector<int>& own : features.thresholds) {
        most = std::max(most, own.size());
    }
    return static_cast<int>(most);
}

std::vector<Shape> Model::shapes() const {
    return all_shapes("model '" + name + "': ", *this);
}

void validate(const Model& model, const std::string& source) {
    const std::string prefix = source + ": ";
    check_name(prefix + "name", model.name);
    check_shape(prefix, model.input_shape);
    check_input(model.thresholds, model.features, model.input_shape, prefix + "input");
    if (!std::isfinite(model.output_scale) || model.output_scale <= 0) {
        fail(prefix + "output.scale", "a positive finite number", std::to_string(model.output_scale),
             "leave it out where logits have no scale");
    }
    if (model.layers.empty() || model.layers.size() > ModelLimits::layers) {
        fail(prefix + "layers", "1 to " + std::to_string(ModelLimits::layers) + " layers",
             std::to_string(model.layers.size()), "change the network");
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        const std::string place = prefix + "layers[" + std::to_string(i) + "]";
        const Layer& layer = model.layers[i];
        check_name(place + ".name", layer.name);
        if (!names.insert(layer.name).second) {
            fail(place + ".name", "a name no other layer has", "'" + layer.name + "' again",
                 "rename the layer");
        }
        std::visit(Overloaded{[&](const Convolution& kind) {
                                  check_weights(place, kind.weights);
                                  check_bias(place, kind.weights, kind.bias);
                              },
                              [&](const Dense& kind) {
                                  check_weights(place, kind.weights);
                                  check_bias(place, kind.weights, kind.bias);
                              },
                              [&](const Activation& kind) { check_activation(place, kind); },
                              [](const SumPool&) {}, [](const Flatten&) {}},
                   layer.kind);
    }
    check_size(model, all_shapes(prefix, model), prefix);
}

bool is_linear(const Layer& layer) {
    return !std::holds_alternative<Activation>(layer.kind) && !std::holds_alternative<Flatten>(layer.kind);
}

LinearMap linear_map(const Layer& layer, const Shape& input, const std::stop_token& stop) {
    check_stop(stop);
    const std::string place = "layer '" + layer.name + "'";
    if (!is_linear(layer)) {
        throw Error(place +
                    ": expected a convolution, dense or sum_pool layer, found another; only these have a "
                    "linear map");
    }
    for (const std::size_t dimension : {input.channels, input.height, input.width}) {
        check_between(place + ": input dimension", dimension, 1, ModelLimits::elements);
    }
    check_elements(place + ": input", input);
    const Shape output = output_shape(place, layer, input);
    return std::visit(
        Overloaded{[&](const Convolution& kind) {
                       check_weights(place, kind.weights);
                       check_bias(place, kind.weights, kind.bias);
                       return convolution_map(layer.name, kind, input, output, stop);
                   },
                   [&](const Dense& kind) {
                       check_weights(place, kind.weights);
                       check_bias(place, kind.weights, kind.bias);
                       return LinearMap{kind.weights, kind.bias};
                   },
                   [&](const SumPool& kind) { return sum_pool_map(layer.name, kind, input, output, stop); },
                   [](const auto&) { return LinearMap{}; }},
        layer.kind);
}

}  // namespace lacuna
