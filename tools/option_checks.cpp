// SPDX-License-Identifier: Apache-2.0
#include "tools/option_checks.h"

#include <algorithm>
#include <string>

#include "tools/terminal_text.h"

namespace lacuna {

CLI::Validator not_empty() {
    return CLI::Validator(
        [](std::string& text) {
            return text.empty() ? std::string("expected a name, found an empty one") : std::string();
        },
        "");
}

CLI::Validator decimal() {
    return CLI::Validator(
        [](std::string& text) {
            const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
            const bool digits =
                text.size() > sign && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(sign),
                                                  text.end(), [](char c) { return c >= '0' && c <= '9'; });
            if (!digits) {
                return "expected an integer in decimal digits, found '" + terminal_text(text) + "'";
            }
            const std::size_t zeros = std::min(text.find_first_not_of('0', sign), text.size() - 1) - sign;
            text.erase(sign, zeros);
            return std::string();
        },
        "");
}

}  // namespace lacuna
