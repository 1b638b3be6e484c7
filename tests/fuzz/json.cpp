// SPDX-License-Identifier: Apache-2.0
//
// JSON documents under narrow limits: what is read must be what nlohmann's own parser reads, and hold no more
// than the limits say.

#include <algorithm>
#include <cstdlib>

#include <lacuna/he/files/json_document.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

namespace lacuna::testing {
namespace {

constexpr detail::JsonLimits limits{std::size_t{1} << 20, 16, 50'000, 20'000};

struct Held {
    std::size_t values = 0;
    std::size_t containers = 0;
    int nesting = 0;
};

void count(const nlohmann::json& value, int depth, Held& held) {
    ++held.values;
    if (value.is_structured()) {
        ++held.containers;
        held.nesting = std::max(held.nesting, depth + 1);
        for (const nlohmann::json& item : value) {
            count(item, depth + 1, held);
        }
    }
}

void parse(std::string_view text) {
    const nlohmann::json document = detail::parse_json(text, "fuzz", limits);
    if (document != nlohmann::json::parse(text)) {
        std::abort();
    }
    Held held;
    count(document, 0, held);
    if (held.values > limits.values || held.containers > limits.containers || held.nesting > limits.nesting) {
        std::abort();
    }
}

}  // namespace
}  // namespace lacuna::testing

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        lacuna::testing::parse(lacuna::testing::as_text({data, size}));
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
