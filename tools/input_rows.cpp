// SPDX-License-Identifier: Apache-2.0
#include "tools/input_rows.h"

#include <cmath>
#include <utility>

#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 30;
constexpr double white = 255;

std::string number_text(double number) {
    std::string text = std::to_string(number);
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        text.erase(text.find_last_not_of('.') + 1);
    }
    return text;
}

std::string dimensions_text(std::span<const std::size_t> dimensions) {
    std::string text;
    for (const std::size_t dimension : dimensions) {
        text += (text.empty() ? "" : " x ") + std::to_string(dimension);
    }
    return text;
}

std::vector<std::size_t> without_ones(std::span<const std::size_t> dimensions) {
    std::vector<std::size_t> rest;
    for (const std::size_t dimension : dimensions) {
        if (dimension != 1) {
            rest.push_back(dimension);
        }
    }
    return rest;
}

}  // namespace

bool InputRows::take() {
    if (request_.stop.stop_requested()) {
        throw Stopped();
    }
    const bool wanted = offered_ >= request_.first && !full();
    ++offered_;
    return wanted;
}

void InputRows::add_pixels(std::span<const std::uint8_t> pixels, std::optional<std::size_t> label) {
    if (kept_.pixels.size() + pixels.size() > most_bytes) {
        throw Error("data: expected at most " + std::to_string(most_bytes / elements()) + " inputs of " +
                    std::to_string(elements()) +
                    " elements at a time, found more; take a part with --first and --count");
    }
    kept_.pixels.insert(kept_.pixels.end(), pixels.begin(), pixels.end());
    if (label) {
        kept_.labels.push_back(*label);
    }
    ++count_;
}

void InputRows::add_numbers(std::span<const double> numbers, bool written_as_integers,
                            std::optional<std::size_t> label, const Place& place) {
    for (std::size_t e = 0; e < numbers.size(); ++e) {
        if (!std::isfinite(numbers[e])) {
            throw Error(place() + ": expected finite numbers, found " + number_text(numbers[e]) +
                        " as element " + std::to_string(e) + "; replace missing values");
        }
    }
    if (!request_.features.ranges.empty()) {
        add_pixels(pixels_of(request_.features, request_.shape, numbers), label);
        return;
    }
    if (!written_as_integers) {
        throw Error(
            place() +
            ": expected pixels as integers 0 ... 255, since the model has no ranges for numbers, found "
            "numbers; scale them as in training, or import the network with such data");
    }
    std::vector<std::uint8_t> pixels(numbers.size());
    for (std::size_t e = 0; e < numbers.size(); ++e) {
        if (numbers[e] < 0 || numbers[e] > white) {
            throw Error(place() +
                        ": expected pixels 0 ... 255, since the model has no ranges for numbers, found " +
                        number_text(numbers[e]) + " as element " + std::to_string(e) +
                        "; scale them as in training, or import the network with such data");
        }
        pixels[e] = static_cast<std::uint8_t>(numbers[e]);
    }
    add_pixels(pixels, label);
}

InputRows::Kept InputRows::finish(const std::string& source) && {
    if (offered_ == 0) {
        throw Error(source + ": expected inputs, found none; give data with at least one row");
    }
    if (count_ == 0) {
        throw Error(source + ": expected rows from " + std::to_string(request_.first) + " on, found " +
                    std::to_string(offered_) + " in all; rows count from 0, lower --first");
    }
    return std::move(kept_);
}

void check_row_shape(std::span<const std::size_t> dimensions, const Shape& shape, const std::string& place) {
    const std::vector<std::size_t> found = without_ones(dimensions);
    const std::vector<std::size_t> all = {shape.channels, shape.height, shape.width};
    const std::vector<std::size_t> expected = without_ones(all);
    std::size_t size = 1;
    for (const std::size_t dimension : found) {
        // Before the product can pass a word.
        if (size > shape.size() || dimension > shape.size()) {
            size = shape.size() + 1;
            break;
        }
        size *= dimension;
    }
    if (found != expected && (size != shape.size() || (found.size() > 1 && expected.size() > 1))) {
        throw Error(place + ": expected inputs of " + dimensions_text(all) +
                    " (channels, height, width), or flat ones of " + std::to_string(shape.size()) +
                    ", as the model takes, found " + dimensions_text(dimensions) +
                    "; give such data, channels first");
    }
}

}  // namespace lacuna
