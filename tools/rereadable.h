// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace lacuna {

/// For files that are read more than once or whose size is asked for first. Throws Error where there is
/// something under that name that cannot be: a folder, a pipe (process substitution included), a device.
void check_rereadable(const std::filesystem::path& file);

}  // namespace lacuna
