// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lacuna {

/// A tensor's shape; elements are stored channel-major: index = (channel * height + row) * width + column.
struct Shape {
    std::size_t channels = 1;
    std::size_t height = 1;
    std::size_t width = 1;

    [[nodiscard]] std::size_t size() const { return channels * height * width; }
    bool operator==(const Shape&) const = default;
};

}  // namespace lacuna
