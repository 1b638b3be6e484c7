// SPDX-License-Identifier: Apache-2.0
//
// Lets libFuzzer look behind the checksums: what it mutates is mostly sealed again, and sometimes the last
// record's length is made to fit.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tests/support/records.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed);

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned int seed) {
    size = LLVMFuzzerMutate(data, size, max_size);
    const std::span<std::uint8_t> file(data, size);
    if (seed % 16 == 0) {
        return size;
    }
    if (seed % 4 == 1) {
        const std::size_t last = lacuna::testing::record_offsets(file).back();
        if (size - last >= lacuna::record_overhead_bytes) {
            const std::uint64_t body = size - last - lacuna::record_overhead_bytes;
            std::memcpy(data + last + 8, &body, sizeof body);
        }
    }
    lacuna::testing::reseal(file);
    return size;
}
