// SPDX-License-Identifier: Apache-2.0
#include "tests/support/places.h"

namespace lacuna::test {

std::filesystem::path source_folder() {
    return LACUNA_SOURCE_DIR;
}

std::filesystem::path shared_mnist_folder() {
    return source_folder().parent_path() / "shared/data/mnist";
}

std::string lacuna_command() {
    return LACUNA_COMMAND;
}

}  // namespace lacuna::test
