// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "tests/support/places.h"
#include "tools/idx.h"

namespace lacuna::test {

/// The labelled images that tests run on: MNIST's test set where it is at hand, else the shipped digits.
struct DigitsSource {
    LabelledImages digits;
    bool is_mnist = false;
    std::filesystem::path folder;  ///< where they lie
};

/// Looks at the environment variable LACUNA_MNIST, then at shared_mnist_folder(), then takes the shipped
/// digits; says once which. Throws Error for a folder without the right files.
inline const DigitsSource& digits_source() {
    static const DigitsSource source = [] {
        std::filesystem::path folder;
        if (const char* variable = std::getenv("LACUNA_MNIST"); variable != nullptr && *variable != '\0') {
            folder = variable;
        } else if (std::filesystem::is_directory(shared_mnist_folder())) {
            folder = shared_mnist_folder();
        }
        const bool is_mnist = !folder.empty();
        if (!is_mnist) {
            folder = source_folder() / "tools" / "digits";
        }
        DigitsSource result{read_digits(folder), is_mnist, folder};
        std::cout << "digits: " << result.digits.images.count << " images, "
                  << (is_mnist ? "the MNIST test set" : "the shipped digits (no MNIST here)") << '\n';
        return result;
    }();
    return source;
}

}  // namespace lacuna::test
