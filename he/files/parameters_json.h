// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <lacuna/he/fv/parameters.h>

namespace lacuna {

/// Parameters as people write them; the fields are those of struct Parameters. Throws Error that names
/// `source`, the field, what was expected and what was found.
[[nodiscard]] Parameters parse_parameters(std::string_view json, const std::string& source);
[[nodiscard]] std::string format_parameters(const Parameters& parameters);

}  // namespace lacuna
