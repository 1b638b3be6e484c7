// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <span>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/inspect.h>
#include <lacuna/he/files/kind.h>
#include <lacuna/he/files/parameters_json.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/plan.h>
#include "tools/command.h"
#include "tools/json_output.h"
#include "tools/key_folder.h"
#include "tools/option_checks.h"
#include "tools/plan_options.h"
#include "tools/rereadable.h"
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
    const FileDescription description = inspect_next(source);
    std::size_t batches = 1;  // uploads or replies may follow each other
    while (description.kind == Kind::batch && !source.at_end()) {
        const FileDescription next = inspect_next(source);
        if (next.kind != Kind::batch) {
            throw Error(file + ": expected another batch behind the first, found " + kind_name(next.kind) +
                        "; fetch or write the file again");
        }
        ++batches;
    }
    source.expect_end();
    ordered_json document = {{"file", file},
                             {"kind", kind_name(description.kind)},
                             {"version", description.version},
                             {"bytes", source.offset()}};
    put(document, "batches", batches, batches > 1);
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
    if (format == "lacuna-plan") {
        const CompiledPlanHead head = load_compiled_plan_head(file);
        describe_client_plan(document, head.client);
        document["model_digest"] = format_hash(head.model_digest);
        return document;
    }
    describe_client_plan(document, load_client_plan(file));
    return document;
}

/// Finds the "format" of a JSON object, wherever it stands among the fields, without building anything.
class FormatFinder : public nlohmann::json_sax<nlohmann::json> {
  public:
    [[nodiscard]] const std::string& format() const { return format_; }

    bool null() override { return value(); }
    bool boolean(bool /*value*/) override { return value(); }
    bool number_integer(number_integer_t /*value*/) override { return value(); }
    bool number_unsigned(number_unsigned_t /*value*/) override { return value(); }
    bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return value(); }
    bool binary(binary_t& /*value*/) override { return value(); }
    bool string(string_t& text) override {
        if (depth_ == 1 && here_) {
            format_ = text;
            return false;  // seen enough
        }
        return value();
    }
    bool key(string_t& name) override {
        here_ = depth_ == 1 && name == "format";
        return true;
    }
    bool start_object(std::size_t /*elements*/) override { return enter(); }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t /*elements*/) override { return enter(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/,
                     const nlohmann::json::exception& /*problem*/) override {
        return false;
    }

  private:
    bool value() {
        here_ = false;
        return true;
    }
    bool enter() {
        ++depth_;
        return value();
    }
    bool leave() {
        --depth_;
        return true;
    }

    std::size_t depth_ = 0;
    bool here_ = false;  // the value of "format" comes next
    std::string format_;
};

/// The "format" of a JSON file of this project, if it is one.
std::optional<std::string> json_format(const std::string& file) {
    Source source{std::filesystem::path(file)};
    std::string text(4096, '\0');
    const auto read = [&](std::size_t from) {
        const std::span<char> rest = std::span(text).subspan(from);
        text.resize(from + source.read_some({reinterpret_cast<std::uint8_t*>(rest.data()), rest.size()}));
    };
    read(0);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || text[first] != '{') {
        return std::nullopt;
    }
    // No text file of this project is larger.
    const std::size_t begun = text.size();
    text.resize(begun + static_cast<std::size_t>(std::min<std::uint64_t>(source.remaining().value_or(0),
                                                                         ModelLimits::file_bytes)));
    read(begun);
    FormatFinder finder;
    nlohmann::json::sax_parse(text, &finder);
    for (const char* format : {"lacuna-client-plan", "lacuna-plan", "lacuna-model"}) {
        if (finder.format() == format) {
            return format;
        }
    }
    throw Error(file +
                ": expected a file of this project, found text that begins like JSON but has no \"format\" "
                "\"lacuna-model\", \"lacuna-client-plan\" or \"lacuna-plan\"; give another file, or export "
                "this one again");
}

void inspect_file(const Options& options) {
    check_rereadable(options.file);
    const auto format = json_format(options.file);
    const ordered_json document =
        format ? describe_text(options.file, *format) : describe_binary(options.file);
    if (options.json) {
        print_json_document(document);
        return;
    }
    Table table({"field", "value"}, true);
    for (const auto& [field, value] : document.items()) {
        table.add({field, value.is_string()
                              ? value.get<std::string>()
                              : value.dump(-1, ' ', true, ordered_json::error_handler_t::replace)});
    }
    std::cout << table;
}

}  // namespace

void add_inspect_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("inspect", "say what a file is, without keys");
    command->add_option("file", options->file, "keys, uploads, replies, plans, models")
        ->check(not_empty())
        ->required();
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna inspect evaluation.keys\n"
        "  lacuna inspect upload.lct --json");
    command->callback(
        [options, &work] { work = [options](const std::stop_token&) { inspect_file(*options); }; });
}

}  // namespace lacuna
