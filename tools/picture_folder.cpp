// SPDX-License-Identifier: Apache-2.0
#include "tools/picture_folder.h"

#include <algorithm>
#include <cctype>

#include <lacuna/ntt/error.h>
#include "tools/pictures.h"

namespace lacuna {

namespace {

namespace fs = std::filesystem;

/// What is in a folder, hidden files left out, by name.
struct Entries {
    std::vector<fs::path> folders;
    std::vector<fs::path> files;
};

Entries entries_of(const fs::path& folder) {
    Entries entries;
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem); !problem && entry != fs::directory_iterator();
         entry.increment(problem)) {
        if (entry->path().filename().string().starts_with('.')) {
            continue;
        }
        std::error_code ignored;
        (entry->is_directory(ignored) ? entries.folders : entries.files).push_back(entry->path());
    }
    if (problem) {
        throw Error(folder.string() + ": cannot read the folder: " + problem.message() +
                    "; check the path and its permissions");
    }
    std::sort(entries.folders.begin(), entries.folders.end());
    std::sort(entries.files.begin(), entries.files.end());
    return entries;
}

void read_files(const std::vector<fs::path>& files, std::optional<std::size_t> label, InputRows& rows) {
    for (const fs::path& file : files) {
        std::string extension = file.extension().string();
        std::ranges::transform(extension, extension.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (extension != ".png" && extension != ".pgm") {
            throw Error(
                file.string() +
                ": expected PNG and PGM pictures alone, found another file; convert it, or take it out of "
                "the folder");
        }
        if (rows.full()) {
            return;
        }
        if (rows.take()) {
            rows.add_pixels(read_pictures(file, rows.shape(), 1), label);
        }
    }
}

}  // namespace

std::vector<std::string> read_picture_folder(const fs::path& folder, InputRows& rows) {
    const Entries top = entries_of(folder);
    if (top.folders.empty()) {
        read_files(top.files, std::nullopt, rows);
        return {};
    }
    if (!top.files.empty()) {
        throw Error(folder.string() + ": expected a folder for each class or pictures alone, found " +
                    std::to_string(top.folders.size()) + " folders and " +
                    top.files.front().filename().string() + "; sort the pictures into the folders");
    }
    std::vector<std::string> names;
    for (const fs::path& entry : top.folders) {
        const Entries inside = entries_of(entry);
        if (!inside.folders.empty()) {
            throw Error(
                inside.folders.front().string() +
                ": expected pictures in the folder of a class, found a folder; a class is one folder");
        }
        read_files(inside.files, names.size(), rows);
        names.push_back(entry.filename().string());
    }
    return names;
}

}  // namespace lacuna
