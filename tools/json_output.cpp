// SPDX-License-Identifier: Apache-2.0
#include "tools/json_output.h"

#include <iostream>

namespace lacuna {

void print_json_document(const nlohmann::ordered_json& document) {
    constexpr int indent = 2;
    constexpr bool ascii = true;
    std::cout << document.dump(indent, ' ', ascii, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace lacuna
