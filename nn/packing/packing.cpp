// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/packing.h>

#include <lacuna/nn/packing/rules.h>

namespace lacuna {

const char* packing_name(Packing packing) {
    return std::visit([](const auto& rules) { return rules.name; }, rules_of(packing, 0));
}

std::optional<Packing> find_packing(std::string_view name) {
    for (const Packing packing : all_packings) {
        if (name == packing_name(packing)) {
            return packing;
        }
    }
    return std::nullopt;
}

std::string packing_names() {
    std::string names;
    for (const Packing packing : all_packings) {
        names += (names.empty() ? "" : " or ") + std::string(packing_name(packing));
    }
    return names;
}

}  // namespace lacuna
