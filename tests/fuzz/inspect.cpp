// SPDX-License-Identifier: Apache-2.0
//
// Descriptions of files of any kind, from a stream that does not know its end.

#include <lacuna/he/files/inspect.h>

#include <sstream>
#include <string>

#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::istringstream stream(std::string(lacuna::testing::as_text({data, size})));
    try {
        lacuna::Source source(stream, "fuzz");
        (void)lacuna::inspect(source);
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
