// SPDX-License-Identifier: Apache-2.0
//
// Images and labels in IDX form, plain and compressed. The readers take files, so the bytes go through one
// that lives in memory.

#include "tools/idx.h"

#include <cstdint>

#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"
#include "tests/fuzz/memory_file.h"

namespace lacuna::testing {
namespace {

template <typename Read>
void attempt(Read read) {
    try {
        read();
    } catch (const Error&) {
        // The one way in which a loader may fail.
    }
}

}  // namespace
}  // namespace lacuna::testing

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const lacuna::testing::MemoryFile file;
    file.set({data, size});
    lacuna::testing::attempt([] { (void)lacuna::read_idx_images(file.path()); });
    lacuna::testing::attempt([] { (void)lacuna::read_idx_labels(file.path()); });
    return 0;
}
