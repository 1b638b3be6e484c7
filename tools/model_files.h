// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lacuna {

/// The folder of models and sample digits that belongs to this command: share/lacuna beside bin, in the
/// installed tree and in the build tree alike.
[[nodiscard]] std::filesystem::path data_folder();

/// Every shipped model's file, by name.
[[nodiscard]] std::vector<std::filesystem::path> shipped_models();

/// The file of a model given as a file or by the name of a shipped one. Throws Error that lists the shipped
/// names where it is neither.
[[nodiscard]] std::filesystem::path find_model(const std::string& name_or_file);

}  // namespace lacuna
