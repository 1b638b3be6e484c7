// SPDX-License-Identifier: Apache-2.0
//
// Runs one fuzz target over files and folders without libFuzzer, so that the seeds are a test under every
// compiler.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/support/records.h"

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (std::filesystem::is_directory(argv[i])) {
            for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
                if (entry.is_regular_file()) {
                    files.push_back(entry.path());
                }
            }
        } else {
            files.emplace_back(argv[i]);
        }
    }
    for (const std::filesystem::path& file : files) {
        const lacuna::testing::Bytes bytes = lacuna::testing::read_bytes(file);
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    std::printf("%zu inputs\n", files.size());
    return files.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
}
