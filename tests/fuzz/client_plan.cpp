// SPDX-License-Identifier: Apache-2.0
//
// The client's half of a plan as JSON.

#include <cstdlib>

#include <lacuna/nn/plan/plan.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const lacuna::ClientPlan plan =
            lacuna::parse_client_plan(lacuna::testing::as_text({data, size}), "fuzz");
        const std::string text = lacuna::format_client_plan(plan);
        if (lacuna::format_client_plan(lacuna::parse_client_plan(text, "formatted")) != text) {
            std::abort();
        }
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
