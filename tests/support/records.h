// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <vector>

#include <lacuna/he/files/record.h>

namespace lacuna::testing {

using Bytes = std::vector<std::uint8_t>;

inline Bytes read_bytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Offsets of the records in a file, and where the last whole one ends, by the lengths that they state.
inline std::vector<std::size_t> record_offsets(std::span<const std::uint8_t> file) {
    std::vector<std::size_t> offsets = {0};
    while (file.size() - offsets.back() >= record_overhead_bytes) {
        std::uint64_t body = 0;
        std::memcpy(&body, file.data() + offsets.back() + 8, sizeof body);
        if (body > file.size() - offsets.back() - record_overhead_bytes) {
            break;
        }
        offsets.push_back(offsets.back() + record_overhead_bytes + static_cast<std::size_t>(body));
    }
    return offsets;
}

/// Makes the checksums of all whole records right again, so that a change to their bytes reaches the checks
/// behind the checksum.
inline void reseal(std::span<std::uint8_t> file) {
    const std::vector<std::size_t> offsets = record_offsets(file);
    Chain chain;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
        Checksum checksum;
        if (chain) {
            checksum.update(*chain);
        }
        const std::size_t end = offsets[i + 1] - Digest().size();
        checksum.update(file.subspan(offsets[i], end - offsets[i]));
        chain = checksum.value();
        std::ranges::copy(*chain, file.begin() + static_cast<std::ptrdiff_t>(end));
    }
}

}  // namespace lacuna::testing
