// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include "tools/input_rows.h"

namespace lacuna {

/// Reads an array of NumPy's format (versions 1.0 to 3.0) row by row into `rows`, N x anything that fits the
/// input, and its labels from a second file, of shape N. Little-endian integers of 1 to 8 bytes and floats of
/// 4 and 8 bytes in C order; objects, structures, strings, booleans, complex numbers, big-endian and Fortran
/// order are refused in words. uint8 are pixels, as are other integers in arrays of more than two dimensions;
/// every other number is one of the input's ranges. Labels are whole numbers from 0 on.
///
/// No more than a row is in memory besides what is kept. Throws Error that names file, row or offset, what
/// was expected and what was found.
void read_npy(const std::filesystem::path& inputs, const std::optional<std::filesystem::path>& labels,
              InputRows& rows);

}  // namespace lacuna
