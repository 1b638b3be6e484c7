// SPDX-License-Identifier: Apache-2.0
//
// Compiled plans of a small model: as they come, and with the checksum that belongs to them, so that what
// lies behind it is reached. What is accepted must compile or be refused there, and format to what reads the
// same.

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/checksum.h>
#include <lacuna/nn/server/compiled_model.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"
#include "tests/support/places.h"

namespace {

using lacuna::Model;

void attempt(const std::string& text, const Model& model) {
    try {
        const lacuna::Plan plan = lacuna::parse_compiled_plan(text, model, "fuzz");
        const std::string again = lacuna::format_compiled_plan(plan);
        if (lacuna::format_compiled_plan(lacuna::parse_compiled_plan(again, model, "formatted")) != again) {
            std::abort();
        }
        const lacuna::CompiledModel compiled(model, plan);
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
}

/// The same document with the checksum of what it says; nothing where it is none.
std::string with_checksum(const std::string& text) {
    nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
    if (!document.is_object()) {
        return {};
    }
    document.erase("checksum");
    using Dump = nlohmann::json::error_handler_t;
    const std::string content = document.dump(-1, ' ', false, Dump::replace);
    lacuna::Checksum checksum;
    checksum.update(std::span(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
    document["checksum"] = lacuna::format_hash(checksum.value());
    return document.dump(-1, ' ', false, Dump::replace);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Model model =
        lacuna::load_model(lacuna::test::source_folder() / "tests/package/tiny.lacuna.json");
    const std::string text(lacuna::testing::as_text({data, size}));
    attempt(text, model);
    attempt(with_checksum(text), model);
    return 0;
}
