// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lacuna {

/// A data set that the demo knows.
struct DemoSet {
    std::string_view name;      ///< on the command line
    std::string_view title;     ///< in sentences
    std::string_view variable;  ///< of the environment, for its folder
    std::string_view model;     ///< shipped, for its images
    std::size_t images;         ///< at most, where nobody says how many
    std::array<std::string_view, 10> class_names;
};

[[nodiscard]] std::vector<std::string> demo_set_names();
/// "faster-cryptonets, fashion-mnist, ...": the models, in the order of the sets.
[[nodiscard]] std::string demo_models();
/// Throws Error for a name that is none.
[[nodiscard]] const DemoSet& find_demo_set(std::string_view name);

/// Where a set's files lie: `option` (the command's --folder) if given, else its variable if set and not
/// empty, else data/<name> under the working directory. Throws Error where that is no folder.
[[nodiscard]] std::filesystem::path demo_folder(const DemoSet& set, const std::string& option);

}  // namespace lacuna
