// SPDX-License-Identifier: Apache-2.0
//
// Models as JSON: what parses must format to a text that parses to the same text.

#include <lacuna/nn/model/model.h>

#include <cstdlib>

#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const lacuna::Model model = lacuna::parse_model(lacuna::testing::as_text({data, size}), "fuzz");
        const std::string text = lacuna::format_model(model);
        if (lacuna::format_model(lacuna::parse_model(text, "formatted")) != text) {
            std::abort();
        }
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
