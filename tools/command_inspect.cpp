// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "he/inspect.h"
#include "he/record.h"
#include "nn/model.h"
#include "nn/tensor_file.h"
#include "tools/command.h"
#include "tools/key_folder.h"
#include "tools/plan_options.h"
#include "tools/table.h"

namespace lacuna {

namespace {

using nlohmann::ordered_json;

struct Options {
    std::string file;
    bool json = false;
};

/// A field where it says something.
template <typename Value>
void put(ordered_json& document, const char* field, const Value& value, bool present) {
    if (present) {
        document[field] = value;
    }
}

void describe_parameters(ordered_json& document, const Parameters& parameters) {
    document["parameters"] = ordered_json::parse(format_parameters(parameters));
}

void describe_client_plan(ordered_json& document, const ClientPlan& plan) {
    document["model"] = plan.model;
    document["packing"] = packing_name(plan.packing);
    document["batch"] = plan.batch;
    document["classes"] = plan.classes;
    document["privacy_bits"] = plan.privacy_bits;
    document["plan"] = plan_id(plan);
    describe_parameters(document, plan.parameters);
}

/// What the layout of a batch says, which is that of an upload or a reply.
void describe_layout(ordered_json& document, const std::string& file) {
    Source source{std::filesystem::path(file)};
    const auto head = read_tensor_head(source);
    const auto* upload = std::get_if<UploadHead>(&head);
    document["content"] = upload != nullptr ? "upload" : "reply";
    std::visit(
        [&](const auto& either) {
            document["images"] = either.images;
            document["key_set"] = format_hash(either.keys);
        },
        head);
    if (upload != nullptr) {
        describe_client_plan(document, upload->plan);
    } else {
        document["plan"] = std::get<ReplyHead>(head).plan;
    }
}

ordered_json describe_binary(const std::string& file) {
    Source source{std::filesystem::path(file)};
    const FileDescription description = inspect(source);
    ordered_json document = {{"file", file},
                             {"kind", kind_name(description.kind)},
                             {"version", description.version},
                             {"bytes", description.bytes}};
    put(document, "n", description.n, description.n != 0);
    put(document, "ring", description.ring ? format_hash(*description.ring) : "",
        description.ring.has_value());
    if (description.parameters) {
        describe_parameters(document, *description.parameters);
    }
    const bool keys = description.kind == Kind::evaluation_keys;
    put(document, "key_set", keys ? format_hash(read_key_set_id(file)) : "", keys);
    put(document, "key_limbs", description.key_limbs, description.key_limbs != 0);
    put(document, "key_digits", description.key_digits, description.key_digits != 0);
    put(document, "has_public_key", description.has_public_key, keys);
    put(document, "has_relinearisation_key", description.has_relin_keys, keys);
    put(document, "galois_keys", description.galois_elements, keys);
    const bool batch = description.kind == Kind::batch;
    put(document, "item", kind_name(description.item), batch);
    put(document, "ciphertexts", description.ciphertexts, description.ciphertexts != 0);
    put(document, "plain_moduli", description.plain_moduli, !description.plain_moduli.empty());
    for (const PlainModulus& t : description.plain_polynomials) {
        document["plain_polynomials"].push_back({{"power", t.power()}, {"base", t.base()}});
    }
    put(document, "parts", description.parts, description.parts != 0);
    put(document, "limbs", description.most_limbs, description.most_limbs != 0);
    put(document, "c0_bits", description.c0_bits, description.c0_bits != 0);
    put(document, "c1_bits", description.c1_bits, description.c1_bits != 0);
    if (batch && description.layout_bytes != 0) {
        describe_layout(document, file);
    }
    return document;
}

/// Model and plan files are JSON.
ordered_json describe_text(const std::string& file, const std::string& format) {
    ordered_json document = {{"file", file}, {"kind", format}, {"version", 1}};
    if (format == "lacuna-model") {
        const Model model = load_model(file);
        const OperationCounts hops = count_operations(model).total();
        document["model"] = model.name;
        document["description"] = model.description;
        document["layers"] = model.layers.size();
        document["classes"] = model.classes();
        document["operations"] = hops.total();
        return document;
    }
    describe_client_plan(document, load_client_plan(file));
    return document;
}

/// The "format" of a JSON file of this project, if it is one: as early as the file names it.
std::optional<std::string> json_format(const std::string& file) {
    constexpr std::size_t enough = 4096;
    Source source{std::filesystem::path(file)};
    std::vector<std::uint8_t> bytes(enough);
    bytes.resize(source.read_some(bytes));
    const std::string text(bytes.begin(), bytes.end());
    if (text.find_first_not_of(" \t\r\n") == std::string::npos ||
        text[text.find_first_not_of(" \t\r\n")] != '{') {
        return std::nullopt;
    }
    for (const char* format : {"lacuna-client-plan", "lacuna-model"}) {
        if (text.find('"' + std::string(format) + '"') != std::string::npos) {
            return format;
        }
    }
    return std::nullopt;
}

void inspect_file(const Options& options) {
    const auto format = json_format(options.file);
    const ordered_json document =
        format ? describe_text(options.file, *format) : describe_binary(options.file);
    if (options.json) {
        std::cout << document.dump(2) << '\n';
        return;
    }
    Table table({"field", "value"}, true);
    for (const auto& [field, value] : document.items()) {
        table.add({field, value.is_string() ? value.get<std::string>() : value.dump()});
    }
    std::cout << table;
}

}  // namespace

void add_inspect_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("inspect", "say what a file is, without keys");
    command->add_option("file", options->file, "keys, uploads, replies, plans, models")->required();
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna inspect evaluation.keys\n"
        "  lacuna inspect upload.lct --json");
    command->callback(
        [options, &work] { work = [options](const std::stop_token&) { inspect_file(*options); }; });
}

}  // namespace lacuna
