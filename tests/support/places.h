// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace lacuna::test {

// Where things lie, known to one compiled file alone: the others do not depend on where the project is built.

/// The top folder of the project's sources.
std::filesystem::path source_folder();

/// The files of every format of `he`, kept as they were.
inline std::filesystem::path golden_folder() {
    return source_folder() / "tests" / "golden" / "he";
}

/// A folder beside the sources that may hold MNIST; it need not exist.
std::filesystem::path shared_mnist_folder();

/// The `lacuna` command; empty in a build without it.
std::string lacuna_command();

}  // namespace lacuna::test
