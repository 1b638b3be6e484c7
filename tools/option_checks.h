// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace lacuna {

/// For the names of files and folders: an empty one is a mistake, not an option left out.
[[nodiscard]] CLI::Validator not_empty();

/// For integers, before any other check of theirs: decimal digits with or without a sign. Zeros in front mean
/// nothing, where CLI11 alone would read octal; hexadecimal is refused. For Option::transform(): it may
/// change the text.
[[nodiscard]] CLI::Validator decimal();

}  // namespace lacuna
