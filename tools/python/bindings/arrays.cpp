// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/arrays.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "tools/python/bindings/calls.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

std::string text_of(const py::handle& value) {
    return py::str(value).cast<std::string>();
}

std::string shape_text(const py::array& array) {
    return text_of(array.attr("shape"));
}

/// The values as an array. Throws InputError unless they are whole numbers.
py::array whole_numbers(const py::object& values, const std::string& what) {
    py::array array = py::array::ensure(values);
    if (!array) {
        PyErr_Clear();
        throw InputError(what + ": expected an array of whole numbers, found " +
                         text_of(py::type::handle_of(values).attr("__name__")));
    }
    const char kind = array.dtype().kind();
    if (kind == 'O') {  // Python integers beyond 64 bits, or anything
        throw InputError(what + ": expected whole numbers that fit 64 bits, found objects");
    }
    const bool nothing = array.size() == 0;  // [] is an array of float64
    if (kind != 'i' && kind != 'u' && kind != 'b' && !nothing) {
        throw InputError(what + ": expected whole numbers, found an array of " + text_of(array.dtype()) +
                         "; round them, for example numpy.rint(x).astype(int)");
    }
    if (kind == 'u' && array.itemsize() == sizeof(std::uint64_t)) {
        const auto words = py::array_t<std::uint64_t, py::array::c_style>::ensure(array);
        if (std::any_of(words.data(), words.data() + words.size(),
                        [](std::uint64_t word) { return word >> 63 != 0; })) {
            throw InputError(what +
                             ": expected whole numbers that fit 64 bits with a sign, found larger ones");
        }
    }
    return array;
}

std::vector<py::ssize_t> dimensions(const py::array& array) {
    return {array.shape(), array.shape() + array.ndim()};
}

/// How many images an array of these dimensions holds, or -1 where it holds none of this shape.
py::ssize_t images_in(std::vector<py::ssize_t> dimensions, const Shape& shape) {
    const auto size = [](std::size_t value) { return static_cast<py::ssize_t>(value); };
    std::vector<std::vector<py::ssize_t>> forms = {
        {size(shape.channels), size(shape.height), size(shape.width)}, {size(shape.size())}};
    if (shape.channels == 1) {
        forms.push_back({size(shape.height), size(shape.width)});
    }
    for (const auto& form : forms) {
        if (dimensions == form) {
            return 1;
        }
        if (dimensions.size() == form.size() + 1 &&
            std::equal(form.begin(), form.end(), dimensions.begin() + 1)) {
            return dimensions.front();
        }
    }
    return -1;
}

void check_images(const py::array& array, const Shape& shape) {
    if (images_in(dimensions(array), shape) >= 1) {
        return;
    }
    const std::string c = std::to_string(shape.channels);
    const std::string h = std::to_string(shape.height);
    const std::string w = std::to_string(shape.width);
    throw InputError("images: expected an array of shape (images, " + c + ", " + h + ", " + w + ")" +
                     (shape.channels == 1 ? ", (images, " + h + ", " + w + ")" : "") + " or (images, " +
                     std::to_string(shape.size()) + "), or one image, found shape " + shape_text(array));
}

bool is_bytes(const py::array& array) {
    return array.dtype().kind() == 'u' && array.itemsize() == 1;
}

bool is_number(const py::array& array) {
    return std::string_view("iufb").find(array.dtype().kind()) != std::string_view::npos;
}

bool fits(const mpz_class& value) {
    return mpz_fits_slong_p(value.get_mpz_t()) != 0;
}

}  // namespace

py::tuple shape_tuple(const Shape& shape) {
    return py::make_tuple(shape.channels, shape.height, shape.width);
}

std::vector<std::uint8_t> image_pixels(const py::object& images, const Shape& shape,
                                       const InputFeatures& features) {
    const py::array given = py::array::ensure(images);
    if (given && !features.ranges.empty() && is_number(given) && !is_bytes(given)) {
        check_images(given, shape);
        const auto numbers = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(given);
        return of_values([&] {
            return pixels_of(features, shape,
                             std::span(numbers.data(), static_cast<std::size_t>(numbers.size())));
        });
    }
    PyErr_Clear();  // what is no array is refused in words
    const py::array array = whole_numbers(images, "images");
    check_images(array, shape);
    if (is_bytes(array)) {
        const auto bytes = py::array_t<std::uint8_t, py::array::c_style>::ensure(array);
        return {bytes.data(), bytes.data() + bytes.size()};
    }
    const auto numbers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(numbers.size()));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const std::int64_t value = numbers.data()[i];
        if (value < 0 || value > 255) {
            throw InputError("images: expected pixels 0 ... 255, found " + std::to_string(value));
        }
        pixels[i] = static_cast<std::uint8_t>(value);
    }
    return pixels;
}

std::vector<std::int64_t> integers_of(const py::object& values, const std::string& what) {
    const py::array array = whole_numbers(values, what);
    if (array.ndim() != 1) {
        throw InputError(what + ": expected one dimension, found shape " + shape_text(array));
    }
    const auto numbers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
    return {numbers.data(), numbers.data() + numbers.size()};
}

py::array_t<std::int64_t> array_of(const std::vector<std::int64_t>& values) {
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::array array_of(const std::vector<std::vector<mpz_class>>& rows) {
    const std::size_t columns = rows.empty() ? 0 : rows.front().size();
    const auto shape =
        std::vector<py::ssize_t>{static_cast<py::ssize_t>(rows.size()), static_cast<py::ssize_t>(columns)};
    const bool small = std::ranges::all_of(
        rows, [](const std::vector<mpz_class>& row) { return std::ranges::all_of(row, fits); });
    if (small) {
        py::array_t<std::int64_t> array(shape);
        std::int64_t* out = array.mutable_data();
        for (const auto& row : rows) {
            for (const mpz_class& value : row) {
                *out++ = value.get_si();
            }
        }
        return array;
    }
    py::list list;
    for (const auto& row : rows) {
        for (const mpz_class& value : row) {
            list.append(integer_of(value));
        }
    }
    return py::module_::import("numpy")
        .attr("array")(list, "dtype"_a = "object")
        .attr("reshape")(py::make_tuple(rows.size(), columns));
}

py::int_ integer_of(const mpz_class& value) {
    if (fits(value)) {
        return py::int_(value.get_si());
    }
    const std::string digits = value.get_str(16);
    PyObject* number = PyLong_FromString(digits.c_str(), nullptr, 16);
    if (number == nullptr) {
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::int_>(number);
}

}  // namespace lacuna::python
