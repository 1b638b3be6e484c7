// SPDX-License-Identifier: Apache-2.0
//
// Runs one fuzz target over files and folders without libFuzzer, so that the seeds, and a few damaged copies
// of each, are a test under every compiler.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/support/records.h"

namespace {

constexpr int copies = 500;

/// A copy with one to four bytes changed, and every third time cut short.
lacuna::testing::Bytes damaged(lacuna::testing::Bytes bytes, int copy, std::mt19937& random) {
    if (bytes.empty()) {
        return bytes;
    }
    for (int i = 0; i <= copy % 4; ++i) {
        bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    if (copy % 3 == 0) {
        bytes.resize(random() % bytes.size());
    }
    return bytes;
}

}  // namespace

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
    std::mt19937 random(1);
    for (const std::filesystem::path& file : files) {
        const lacuna::testing::Bytes bytes = lacuna::testing::read_bytes(file);
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        for (int copy = 0; copy < copies; ++copy) {
            const lacuna::testing::Bytes other = damaged(bytes, copy, random);
            LLVMFuzzerTestOneInput(other.data(), other.size());
        }
    }
    std::printf("%zu inputs, %d damaged copies of each\n", files.size(), copies);
    return files.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
}
