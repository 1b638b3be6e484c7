// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <lacuna/nn/model/shape.h>

namespace lacuna {

/// The numbers that pixels 0 and 255 stand for: low < high, both and their difference finite.
struct InputRange {
    double low = 0;
    double high = 1;
    bool operator==(const InputRange&) const = default;
};

/// What sets the channels or the elements of an input apart, where anything does. Each list is empty, or has
/// an entry for every channel, or one for every element (channel-major).
struct InputFeatures {
    /// The thresholds of each; empty where all elements have the same.
    std::vector<std::vector<int>> thresholds;
    /// Empty where the network takes pixels. Else a number x becomes the pixel 255 (x - low) / (high - low),
    /// cut off at 0 and 255 and rounded, halves to even; what is a pixel already stays as it is.
    std::vector<InputRange> ranges;

    [[nodiscard]] bool empty() const { return thresholds.empty() && ranges.empty(); }
    bool operator==(const InputFeatures&) const = default;
};

/// Throws Error "<place>.<field>: expected ..., found ...; ..." unless thresholds and features are as
/// nn/model/model_format.md asks of an input of this shape.
void check_input(const std::vector<int>& thresholds, const InputFeatures& features, const Shape& shape,
                 const std::string& place);

/// The thresholds of one element of an input; those and the features are valid.
[[nodiscard]] const std::vector<int>& thresholds_of(const std::vector<int>& thresholds,
                                                    const InputFeatures& features, const Shape& shape,
                                                    std::size_t element);

/// The pixels of whole inputs, one after another, each shape.size() numbers, channel-major. Throws Error for
/// features without ranges, for another number of numbers, and for one that is not finite.
[[nodiscard]] std::vector<std::uint8_t> pixels_of(const InputFeatures& features, const Shape& shape,
                                                  std::span<const double> numbers);

/// Which level 0 ... 255 every pixel of every element becomes: the number of its thresholds that are <= the
/// pixel.
class LevelTable {
  public:
    /// Thresholds and features are valid for the shape.
    LevelTable(const std::vector<int>& thresholds, const InputFeatures& features, const Shape& shape);

    [[nodiscard]] int level(std::size_t element, std::uint8_t pixel) const {
        return levels_[element / each_ * pixels + pixel];
    }

  private:
    static constexpr std::size_t pixels = 256;

    std::size_t each_;                  // elements that share a list of thresholds
    std::vector<std::uint8_t> levels_;  // of every list, those of its pixels
};

}  // namespace lacuna
