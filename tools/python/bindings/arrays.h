// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmpxx.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lacuna/nn/model/input_features.h>
#include <lacuna/nn/model/shape.h>

namespace lacuna::python {

/// (channels, height, width).
[[nodiscard]] pybind11::tuple shape_tuple(const Shape& shape);

/// Images one after another, as the library takes them. images: an array of shape (images, channels, height,
/// width) or (images, elements), of one channel also (images, height, width); or one image without the first
/// dimension. It holds pixels, whole numbers 0 ... 255; where features have ranges, arrays of another type
/// than uint8 hold numbers that become pixels by them. Throws InputError for anything else.
[[nodiscard]] std::vector<std::uint8_t> image_pixels(const pybind11::object& images, const Shape& shape,
                                                     const InputFeatures& features);

/// A vector of integers that fit 64 bits. Throws InputError for anything else; `what` names it.
[[nodiscard]] std::vector<std::int64_t> integers_of(const pybind11::object& values, const std::string& what);

/// A new one-dimensional array of int64.
[[nodiscard]] pybind11::array_t<std::int64_t> array_of(const std::vector<std::int64_t>& values);

/// An array of shape (rows, columns): int64, or, where a number does not fit, of Python integers.
[[nodiscard]] pybind11::array array_of(const std::vector<std::vector<mpz_class>>& rows);

/// A Python integer.
[[nodiscard]] pybind11::int_ integer_of(const mpz_class& value);

}  // namespace lacuna::python
