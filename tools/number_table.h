// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "tools/input_rows.h"

namespace lacuna {

/// Where a table has its classes.
struct LabelColumn {
    /// "first", "last", "none", a number from 1 on, or a name of the header; empty: the last column where
    /// there is one more than the input has elements, else none.
    std::string name;
};

/// Reads a CSV file of numbers, an input a line, into `rows`. Cells are separated by commas, with or without
/// double quotes around them; blank lines do not count. A first line that has a cell which is no number is a
/// header. Where every cell of a line is written as an integer, its numbers may be pixels. Classes are whole
/// numbers from 0 on. The file may be a pipe; no more than a line is in memory besides what is kept.
///
/// Throws Error that names file and line, what was expected and what was found.
void read_number_table(const std::filesystem::path& file, const LabelColumn& labels, InputRows& rows);

}  // namespace lacuna
