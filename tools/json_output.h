// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

namespace lacuna {

/// What --json prints: one object on standard output, in ASCII, so that nothing in it reaches a terminal raw.
/// Bytes that are no UTF-8, as file names may have, become U+FFFD.
void print_json_document(const nlohmann::ordered_json& document);

}  // namespace lacuna
