// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include <lacuna/nn/model/model.h>

namespace lacuna {

/// The folder of sample digits, and of the shipped models as files, that belongs to this command:
/// share/lacuna beside bin, in the installed tree and in the build tree alike.
[[nodiscard]] std::filesystem::path data_folder();

/// The names of the shipped models. They are part of the command, so that it has them wherever it is copied.
[[nodiscard]] std::vector<std::string> shipped_models();

/// A model given as a file or by the name of a shipped one. Throws Error that lists the shipped names where
/// it is neither, and as load_model does.
[[nodiscard]] Model find_model(const std::string& name_or_file, const std::stop_token& stop = {});

}  // namespace lacuna
