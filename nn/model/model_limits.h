// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace lacuna {

/// The bounds that every model keeps (nn/model/model_format.md); parse_model and validate() enforce them.
struct ModelLimits {
    static constexpr std::size_t file_bytes = std::size_t{64} << 20;
    static constexpr std::size_t name_length = 64;
    static constexpr std::size_t layers = 64;
    static constexpr std::size_t dimension = 4096;  ///< of an input shape, a kernel, a window or a stride
    static constexpr std::size_t elements = std::size_t{1} << 20;  ///< of any tensor between two layers
    static constexpr std::size_t input_features = std::size_t{1}
                                                  << 14;  ///< lists of thresholds, or ranges, of an input
    static constexpr std::size_t input_thresholds = std::size_t{1} << 16;  ///< of all those lists
    static constexpr std::size_t degree = 8;                               ///< of an activation
    static constexpr std::int64_t weight = std::int64_t{1} << 30;          ///< largest absolute weight
    static constexpr std::size_t integer_digits =
        100;  ///< decimal digits of a bias or activation coefficient
    static constexpr std::size_t map_terms = std::size_t{1} << 26;  ///< terms of a linear layer written out
};

}  // namespace lacuna
