// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/input_features.h>

#include <algorithm>
#include <cmath>

#include <lacuna/nn/model/model_limits.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr int white = 255;

[[noreturn]] void fail(const std::string& place, const std::string& expected, const std::string& found,
                       const std::string& advice) {
    throw Error(place + ": expected " + expected + ", found " + found + "; " + advice);
}

/// How many elements share an entry of a list of that many; an empty list is one for all.
std::size_t elements_each(const Shape& shape, std::size_t entries) {
    return entries == 0 ? shape.size() : shape.size() / entries;
}

void check_entries(const std::string& place, std::size_t entries, const Shape& shape) {
    if (entries != shape.channels && entries != shape.size()) {
        fail(place,
             "an entry for each of " + std::to_string(shape.channels) + " channels or of " +
                 std::to_string(shape.size()) + " elements",
             std::to_string(entries), "give one each, in the order of the input");
    }
    if (entries > ModelLimits::input_features) {
        fail(place, "at most " + std::to_string(ModelLimits::input_features) + " entries",
             std::to_string(entries), "give one for each channel");
    }
}

void check_thresholds(const std::string& place, const std::vector<int>& thresholds) {
    if (thresholds.empty() || thresholds.size() > white) {
        fail(place, "1 to 255 thresholds", std::to_string(thresholds.size()),
             "one threshold, such as [128], makes a one-bit input");
    }
    for (std::size_t i = 0; i < thresholds.size(); ++i) {
        const int low = i == 0 ? 1 : thresholds[i - 1] + 1;
        if (thresholds[i] < low || thresholds[i] > white) {
            fail(place + "[" + std::to_string(i) + "]", "an integer from " + std::to_string(low) + " to 255",
                 std::to_string(thresholds[i]), "thresholds are strictly rising within 1 ... 255");
        }
    }
}

}  // namespace

void check_input(const std::vector<int>& thresholds, const InputFeatures& features, const Shape& shape,
                 const std::string& place) {
    const std::string thresholds_at = place + ".thresholds";
    if (features.thresholds.empty()) {
        check_thresholds(thresholds_at, thresholds);
    } else {
        if (!thresholds.empty()) {
            fail(thresholds_at, "one list for all elements or a list each", "both", "keep one");
        }
        check_entries(thresholds_at, features.thresholds.size(), shape);
        std::size_t all = 0;
        for (std::size_t i = 0; i < features.thresholds.size(); ++i) {
            check_thresholds(thresholds_at + "[" + std::to_string(i) + "]", features.thresholds[i]);
            all += features.thresholds[i].size();
        }
        if (all > ModelLimits::input_thresholds) {
            fail(thresholds_at, "at most " + std::to_string(ModelLimits::input_thresholds) + " in all",
                 std::to_string(all), "give one list for each channel, or fewer levels");
        }
    }
    if (!features.ranges.empty()) {
        check_entries(place + ".low", features.ranges.size(), shape);
    }
    for (std::size_t i = 0; i < features.ranges.size(); ++i) {
        const auto& [low, high] = features.ranges[i];
        if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || !std::isfinite(high - low)) {
            fail(place + ".low[" + std::to_string(i) + "]",
                 "finite numbers, low below high by a finite difference",
                 std::to_string(low) + " and " + std::to_string(high),
                 "give the feature's least and largest value; one that never changes any range");
        }
    }
}

const std::vector<int>& thresholds_of(const std::vector<int>& thresholds, const InputFeatures& features,
                                      const Shape& shape, std::size_t element) {
    const auto& own = features.thresholds;
    return own.empty() ? thresholds : own[element / elements_each(shape, own.size())];
}

std::vector<std::uint8_t> pixels_of(const InputFeatures& features, const Shape& shape,
                                    std::span<const double> numbers) {
    const std::size_t elements = shape.size();
    if (features.ranges.empty()) {
        throw Error(
            "input: expected pixels 0 ... 255, since the model has no ranges for numbers, found numbers; "
            "scale them as in training, or import the network with such data");
    }
    if (numbers.size() % elements != 0) {
        throw Error("input: expected a whole number of inputs of " + std::to_string(elements) +
                    " numbers, found " + std::to_string(numbers.size()) + "; give the model's input shape");
    }
    const std::size_t each = elements_each(shape, features.ranges.size());
    std::vector<std::uint8_t> pixels(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (!std::isfinite(numbers[i])) {
            throw Error("input: expected finite numbers, found " + std::to_string(numbers[i]) +
                        " as element " + std::to_string(i % elements) + "; replace missing values");
        }
        const InputRange& range = features.ranges[i % elements / each];
        const double relative = std::clamp((numbers[i] - range.low) / (range.high - range.low), 0.0, 1.0);
        pixels[i] = static_cast<std::uint8_t>(std::nearbyint(relative * white));
    }
    return pixels;
}

LevelTable::LevelTable(const std::vector<int>& thresholds, const InputFeatures& features, const Shape& shape)
    : each_(elements_each(shape, features.thresholds.size())) {
    levels_.reserve(shape.size() / each_ * pixels);
    for (std::size_t element = 0; element < shape.size(); element += each_) {
        const std::vector<int>& own = thresholds_of(thresholds, features, shape, element);
        for (int pixel = 0; pixel < static_cast<int>(pixels); ++pixel) {
            levels_.push_back(
                static_cast<std::uint8_t>(std::upper_bound(own.begin(), own.end(), pixel) - own.begin()));
        }
    }
}

}  // namespace lacuna
