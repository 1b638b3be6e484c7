// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "tools/input_rows.h"

namespace lacuna {

/// Reads a file of CIFAR-10's binary version (https://www.cs.toronto.edu/~kriz/cifar.html) into `rows`:
/// records of a label byte 0 ... 9 and 3 x 32 x 32 pixels, channel-major, without a header. Throws Error that
/// names file and record: for a label above 9, a record that is cut off, or another input shape.
void read_cifar(const std::filesystem::path& file, InputRows& rows);

}  // namespace lacuna
