// SPDX-License-Identifier: Apache-2.0
#include "tools/model_files.h"

#include <lacuna/ntt/error.h>
#include "tools/rereadable.h"
#include "tools/shipped_models.h"

namespace lacuna {

std::filesystem::path data_folder() {
    std::error_code problem;
    const std::filesystem::path command = std::filesystem::read_symlink("/proc/self/exe", problem);
    return (command.parent_path() / LACUNA_DATA_FROM_COMMAND).lexically_normal();
}

std::vector<std::string> shipped_models() {
    std::vector<std::string> names;
    for (const ShippedModel& model : shipped_model_files()) {
        names.emplace_back(model.name);
    }
    return names;
}

Model find_model(const std::string& name_or_file, const std::stop_token& stop) {
    std::error_code problem;
    if (std::filesystem::is_regular_file(name_or_file, problem)) {
        return load_model(name_or_file, stop);
    }
    if (std::filesystem::exists(name_or_file, problem)) {
        check_rereadable(name_or_file);
    }
    std::string names;
    for (const ShippedModel& model : shipped_model_files()) {
        if (model.name == name_or_file) {
            return parse_model(model.text, name_or_file);
        }
        names.append(names.empty() ? "" : ", ").append(model.name);
    }
    throw Error("model '" + name_or_file +
                "': expected a *.lacuna.json file or the name of a shipped model (" + names +
                "), found neither");
}

}  // namespace lacuna
