// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace lacuna {

/// A file of nn/models, as it was when the command was built.
struct ShippedModel {
    std::string_view name;
    std::string_view text;
};

/// By name, ascending.
[[nodiscard]] std::span<const ShippedModel> shipped_model_files();

}  // namespace lacuna
