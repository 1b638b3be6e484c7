// SPDX-License-Identifier: Apache-2.0
#include "tools/model_files.h"

#include <algorithm>
#include <string_view>

#include <lacuna/ntt/error.h>
#include "tools/rereadable.h"

namespace lacuna {

namespace {

constexpr std::string_view suffix = ".lacuna.json";

std::string name_of(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return name.substr(0, name.size() - suffix.size());
}

}  // namespace

std::filesystem::path data_folder() {
    std::error_code problem;
    const std::filesystem::path command = std::filesystem::read_symlink("/proc/self/exe", problem);
    return (command.parent_path() / LACUNA_DATA_FROM_COMMAND).lexically_normal();
}

std::vector<std::filesystem::path> shipped_models() {
    std::vector<std::filesystem::path> files;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(data_folder() / "models", problem)) {
        if (entry.path().string().ends_with(suffix)) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::filesystem::path find_model(const std::string& name_or_file) {
    std::error_code problem;
    if (std::filesystem::is_regular_file(name_or_file, problem)) {
        return name_or_file;
    }
    if (std::filesystem::exists(name_or_file, problem)) {
        check_rereadable(name_or_file);
    }
    std::string names;
    for (const std::filesystem::path& file : shipped_models()) {
        if (name_of(file) == name_or_file) {
            return file;
        }
        names += (names.empty() ? "" : ", ") + name_of(file);
    }
    throw Error("model '" + name_or_file +
                "': expected a *.lacuna.json file or the name of a shipped model (" +
                (names.empty() ? "none found in " + data_folder().string() : names) + "), found neither");
}

}  // namespace lacuna
