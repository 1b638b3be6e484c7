// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// JSON that may come from anybody. Inside the library only.

namespace lacuna::detail {

/// What a document may hold. Its memory is bounded by these: a value takes 16 bytes, with the growth of lists
/// at most 32, and an object or list of its own about 64 more.
struct JsonLimits {
    std::size_t bytes = 0;       ///< of text
    int nesting = 0;             ///< objects and lists inside each other
    std::size_t values = 0;      ///< numbers, strings, lists, objects ... in all
    std::size_t containers = 0;  ///< of these, lists and objects
};

/// Parses a whole text in linear time (fields of an object: n log n comparisons of their names), never deeper
/// in the stack for deeper nesting. Throws Error "<place>: expected ..., found ...; ..." for whatever is no
/// JSON or followed by anything, NUL included, for a field given twice and for what passes the limits.
/// pause, where given, is called every few thousand values; what it throws ends the work.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& place,
                                        const JsonLimits& limits, const std::function<void()>& pause = {});

}  // namespace lacuna::detail
