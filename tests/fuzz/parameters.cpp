// SPDX-License-Identifier: Apache-2.0
//
// Parameters as JSON, and what resolve() makes of them.

#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/fv/parameters.h>

#include <cstdlib>

#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const lacuna::Parameters parameters =
            lacuna::parse_parameters(lacuna::testing::as_text({data, size}), "fuzz");
        if (lacuna::parse_parameters(lacuna::format_parameters(parameters), "formatted") != parameters) {
            std::abort();
        }
        const lacuna::Parameters resolved = lacuna::resolve(parameters);
        if (lacuna::resolve(resolved) != resolved) {
            std::abort();
        }
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
