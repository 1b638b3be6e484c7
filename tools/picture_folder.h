// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/input_rows.h"

namespace lacuna {

/// Reads a folder of PNG and PGM pictures into `rows`: a sub-folder for each class, numbered from 0 on in the
/// order of their names, or pictures alone, which then have no labels. Pictures follow in the order of class
/// and name, read as read_pictures() does. Returns the names of the classes. Hidden files do not count;
/// anything else that is no such picture is refused, so that none is left out unseen. Throws Error that names
/// the file.
[[nodiscard]] std::vector<std::string> read_picture_folder(const std::filesystem::path& folder,
                                                           InputRows& rows);

}  // namespace lacuna
