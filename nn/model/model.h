// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/files/digest.h>
#include <lacuna/nn/model/input_features.h>
#include <lacuna/nn/model/model_limits.h>
#include <lacuna/nn/model/shape.h>

namespace lacuna {

/// Vertical and horizontal extent of a window, stride or padding.
struct Extent {
    std::size_t vertical = 1;
    std::size_t horizontal = 1;
    bool operator==(const Extent&) const = default;
};

/// One non-zero weight of a row.
struct WeightTerm {
    std::uint32_t column = 0;
    std::int64_t weight = 0;
    bool operator==(const WeightTerm&) const = default;
};

/// A sparse integer matrix: for each row its non-zero terms, columns strictly rising.
struct WeightMatrix {
    std::size_t columns = 0;
    std::vector<std::vector<WeightTerm>> rows;

    [[nodiscard]] std::size_t nonzeros() const;
};

/// Cross-correlation with zero padding. weights: a row per output channel, a column per
/// (input channel, kernel row, kernel column); bias: one integer per output channel.
struct Convolution {
    Extent kernel;
    Extent stride;
    Extent padding{0, 0};
    WeightMatrix weights;
    std::vector<mpz_class> bias;
};

/// weights: a row per output, a column per input; bias: one integer per output.
struct Dense {
    WeightMatrix weights;
    std::vector<mpz_class> bias;
};

/// The sum over a window of every channel, zero padding outside.
struct SumPool {
    Extent window;
    Extent stride;
    Extent padding{0, 0};
};

/// x -> coefficients[0] + coefficients[1] x + ... element by element; the last coefficient is not zero.
struct Activation {
    std::vector<mpz_class> coefficients;
    [[nodiscard]] std::size_t degree() const { return coefficients.size() - 1; }
};

/// Any shape to a vector (size x 1 x 1), order kept.
struct Flatten {};

struct Layer {
    std::string name;
    std::variant<Convolution, Dense, SumPool, Activation, Flatten> kind;
};

/// An integer network. The file format is documented in nn/model/model_format.md.
struct Model {
    std::string name;
    std::string description;
    std::string provenance = "{}";  ///< JSON text, carried along, never interpreted
    Shape input_shape;
    /// Input quantisation, strictly rising in 1 ... 255; empty where the channels or elements have their own.
    std::vector<int> thresholds;
    InputFeatures features;  ///< what sets the channels or elements of the input apart
    std::vector<Layer> layers;
    double output_scale = 1.0;

    /// Pixel 0 ... 255 of an element -> number of that element's thresholds that are <= pixel.
    [[nodiscard]] int quantise(std::uint8_t pixel, std::size_t element = 0) const;
    /// Largest value quantise() can return for an element, and for any.
    [[nodiscard]] int input_maximum(std::size_t element) const;
    [[nodiscard]] int input_maximum() const;
    /// Shape after each layer; entry 0 is the input shape, so there are layers.size() + 1 entries.
    /// Throws Error where a layer does not fit its input.
    [[nodiscard]] std::vector<Shape> shapes() const;
    [[nodiscard]] std::size_t classes() const { return shapes().back().size(); }
};

/// Checks every rule of nn/model/model_format.md on a model built in memory; parse_model has done so already.
/// Throws Error that starts with `source` and names the place, what was expected and what was found.
void validate(const Model& model, const std::string& source);

/// A linear layer (convolution, dense, sum pool) written out: row o lists the terms of output element o over
/// the input elements, padding already left out; bias has one entry per output element (0 for a sum pool).
struct LinearMap {
    WeightMatrix weights;
    std::vector<mpz_class> bias;
};

[[nodiscard]] bool is_linear(const Layer& layer);

/// The linear map of a layer for an input of the given shape. Throws Error for an activation or flatten
/// layer, for a layer that does not fit the shape, and for more than ModelLimits::map_terms terms; Stopped
/// where a stop was requested.
[[nodiscard]] LinearMap linear_map(const Layer& layer, const Shape& input, const std::stop_token& stop = {});

/// Parses and validates; `source` names the text in error messages (a file name). Throws Error, and Stopped
/// where a stop was requested.
[[nodiscard]] Model parse_model(std::string_view json, const std::string& source,
                                const std::stop_token& stop = {});
/// The model as JSON text: the same model gives the same bytes, a row of weights a line. Throws Error as
/// validate().
[[nodiscard]] std::string format_model(const Model& model);
/// The checksum of that text: equal for equal models alone.
[[nodiscard]] Digest digest(const Model& model);

/// Reads and validates a model file, never more of it than ModelLimits::file_bytes. Throws Error that names
/// the file, what was expected and what was found, and Stopped where a stop was requested.
[[nodiscard]] Model load_model(const std::filesystem::path& file, const std::stop_token& stop = {});
/// Writes to a temporary file beside `file`, then renames. Throws Error; `file` is then as it was before.
void save_model(const Model& model, const std::filesystem::path& file);

}  // namespace lacuna
