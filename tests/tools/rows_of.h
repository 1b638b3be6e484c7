// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "tools/input_rows.h"

namespace lacuna::testing {

/// What a reader of data keeps for a request.
inline InputRows::Kept rows_of(RowRequest request, const std::function<void(InputRows&)>& read) {
    InputRows rows(std::move(request));
    read(rows);
    return std::move(rows).finish("data");
}

/// A request for all rows of a shape, whose numbers become pixels by one range, if any.
inline RowRequest all_rows(const Shape& shape, std::vector<InputRange> ranges = {}) {
    return {shape, {{}, std::move(ranges)}, 0, std::nullopt, {}};
}

}  // namespace lacuna::testing
