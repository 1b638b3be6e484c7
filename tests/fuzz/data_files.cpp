// SPDX-License-Identifier: Apache-2.0
//
// Arrays and tables for inputs of two features: what is read has the size that was asked for. The readers
// take files, so the bytes go through one that lives in memory.

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>

#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"
#include "tests/fuzz/memory_file.h"
#include "tools/npy.h"
#include "tools/number_table.h"

namespace lacuna::testing {
namespace {

template <typename Read>
void attempt(Read read) {
    for (const bool numbers : {false, true}) {
        RowRequest request;
        request.shape = {2, 1, 1};
        if (numbers) {
            request.features.ranges = {{-1, 1}, {0, 255}};
        }
        try {
            InputRows rows(request);
            read(rows);
            const std::size_t pixels = rows.count() * request.shape.size();
            if (std::move(rows).finish("fuzz").pixels.size() != pixels) {
                std::abort();
            }
        } catch (const Error&) {
            // The one way in which a loader may fail.
        }
    }
}

}  // namespace
}  // namespace lacuna::testing

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lacuna;
    static const testing::MemoryFile file;
    file.set({data, size});
    testing::attempt([](InputRows& rows) { read_npy(file.path(), std::nullopt, rows); });
    testing::attempt([](InputRows& rows) { read_npy(file.path(), file.path(), rows); });
    testing::attempt([](InputRows& rows) { read_number_table(file.path(), {}, rows); });
    testing::attempt([](InputRows& rows) { read_number_table(file.path(), {"first"}, rows); });
    return 0;
}
