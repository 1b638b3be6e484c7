// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_set.h"

#include <algorithm>
#include <cstdlib>

#include <lacuna/ntt/error.h>
#include "tools/plan_options.h"

namespace lacuna {

namespace {

// 8192 images are one request of the default model's plan; for CIFAR-10 they would be gigabytes to upload.
constexpr DemoSet sets[] = {
    {"mnist",
     "MNIST",
     "LACUNA_MNIST",
     default_model,
     8192,
     {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
    {"fashion-mnist",
     "Fashion-MNIST",
     "LACUNA_FASHION_MNIST",
     "fashion-mnist",
     8192,
     {"T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"}},
    {"cifar10",
     "CIFAR-10",
     "LACUNA_CIFAR10",
     "cifar10",
     1,
     {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}},
};

}  // namespace

std::vector<std::string> demo_set_names() {
    std::vector<std::string> names;
    for (const DemoSet& set : sets) {
        names.emplace_back(set.name);
    }
    return names;
}

std::string demo_models() {
    std::string text;
    for (const DemoSet& set : sets) {
        text += (text.empty() ? "" : ", ") + std::string(set.model);
    }
    return text;
}

const DemoSet& find_demo_set(std::string_view name) {
    const auto* const found = std::ranges::find(sets, name, &DemoSet::name);
    if (found == std::end(sets)) {
        throw Error("expected one of the data sets mnist, fashion-mnist and cifar10, found '" +
                    std::string(name) + "'");
    }
    return *found;
}

std::filesystem::path demo_folder(const DemoSet& set, const std::string& option) {
    const std::string variable(set.variable);
    const char* const value = std::getenv(variable.c_str());
    const bool by_variable = value != nullptr && *value != '\0';
    const std::filesystem::path folder = !option.empty() ? std::filesystem::path(option)
                                         : by_variable   ? std::filesystem::path(value)
                                                         : std::filesystem::path("data") / set.name;
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) {
        throw Error(std::string(set.title) + ": expected a folder with its test set, found none at '" +
                    folder.string() + "'; name one with --folder DIR or " + variable +
                    ", or put the files into data/" + std::string(set.name));
    }
    return folder;
}

}  // namespace lacuna
