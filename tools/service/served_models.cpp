// SPDX-License-Identifier: Apache-2.0
#include "tools/service/served_models.h"

#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/strict_json.h>
#include <lacuna/nn/model/text_file.h>
#include <lacuna/ntt/error.h>
#include "tools/model_files.h"
#include "tools/plan_options.h"
#include "tools/service/request_error.h"
#include "tools/service/request_head.h"
#include "tools/terminal_text.h"

namespace lacuna::service {

namespace {

using namespace strict_json;

constexpr const char* documentation = "see tools/service/README.md";

std::shared_ptr<const ServedModel> serve(const ServedEntry& entry, const std::stop_token& stop) {
    const Model model = find_model(entry.model, stop);
    ServedModel served;
    served.name = entry.name.empty() ? model.name : entry.name;
    if (!is_served_name(served.name)) {
        throw Error("model '" + terminal_text(served.name) +
                    "': expected a name of letters, digits, dots, underscores and hyphens, at most " +
                    std::to_string(longest_model_name) + "; give another in the configuration's \"name\"");
    }
    const Plan plan = entry.plan.empty() ? make_plan(model, entry.request, stop)
                                         : load_compiled_plan(entry.plan, model, stop);
    served.compiled = std::make_shared<const CompiledModel>(model, plan);
    const ClientPlan& client = served.compiled->plan().client;
    served.client_plan = format_client_plan(client);
    served.plan = plan_id(client);
    return std::make_shared<const ServedModel>(std::move(served));
}

ServedEntry parse_entry(const json& value, const FieldPath& place) {
    const bool planned = value.is_object() && value.contains("plan");
    if (planned) {
        check_object(value, place, {"model", "name", "plan"});
    } else {
        check_object(value, place,
                     {"model", "name", "batch", "packing", "security", "privacy_bits", "plain_moduli",
                      "public_encryption"});
    }
    constexpr std::size_t largest_batch = 1'000'000;
    ServedEntry entry;
    entry.model = text_of(member(value, place, "model"), FieldPath(place, "model"));
    entry.request.privacy_bits = default_privacy_bits;
    if (value.contains("name")) {
        entry.name = text_of(value["name"], FieldPath(place, "name"));
    }
    if (planned) {
        entry.plan = text_of(value["plan"], FieldPath(place, "plan"));
    }
    if (value.contains("batch")) {
        entry.request.batch = count(value["batch"], FieldPath(place, "batch"), 1, largest_batch);
    }
    if (value.contains("packing")) {
        const FieldPath packing(place, "packing");
        const std::string name = text_of(value["packing"], packing);
        entry.request.packing = find_packing(name);
        if (!entry.request.packing && name != "auto") {
            fail(packing, packing_names() + " or auto", describe(value["packing"]), documentation);
        }
    }
    if (value.contains("security")) {
        entry.request.security =
            static_cast<int>(integer(value["security"], FieldPath(place, "security"), 128, 256));
    }
    if (value.contains("privacy_bits")) {
        entry.request.privacy_bits = static_cast<int>(
            integer(value["privacy_bits"], FieldPath(place, "privacy_bits"), 0, PlanLimits::privacy_bits));
    }
    if (value.contains("plain_moduli")) {
        entry.request.plain_moduli =
            count(value["plain_moduli"], FieldPath(place, "plain_moduli"), 1, PlanLimits::plain_moduli);
    }
    if (value.contains("public_encryption")) {
        entry.request.public_encryption =
            boolean(value["public_encryption"], FieldPath(place, "public_encryption"));
    }
    return entry;
}

}  // namespace

ServedModels::ServedModels(const std::vector<ServedEntry>& entries, const std::stop_token& stop) {
    for (const ServedEntry& entry : entries) {
        auto model = serve(entry, stop);
        const std::string name = model->name;
        if (!models_.emplace(name, std::move(model)).second) {
            throw Error(
                "model '" + name +
                "': expected every served name once, found it twice; give one of them another \"name\" in "
                "the configuration");
        }
    }
    if (models_.empty()) {
        throw Error("expected at least one model to serve, found none; name one");
    }
}

std::shared_ptr<const ServedModel> ServedModels::find(std::string_view name) const {
    const auto found = models_.find(name);
    if (found == models_.end()) {
        throw RequestError(404, "model_unknown",
                           "model '" + std::string(name) +
                               "': expected the name of a served model, found none of that "
                               "name; GET /v1/models lists them");
    }
    return found->second;
}

std::shared_ptr<const ServedModel> ServedModels::find(const RingHash& ring) const {
    for (const auto& [name, model] : models_) {
        if (model->compiled->context().ring().hash() == ring) {
            return model;
        }
    }
    throw RequestError(
        422, "keys_of_another_plan",
        "body: expected keys for a plan that is served here, found keys for other parameters; GET "
        "/v1/models/MODEL/plan and make keys for that one");
}

std::string ServedModels::list() const {
    nlohmann::ordered_json models = nlohmann::ordered_json::array();
    for (const auto& [name, model] : models_) {
        const Plan& plan = model->compiled->plan();
        models.push_back({{"name", name},
                          {"model", plan.client.model},
                          {"plan", model->plan},
                          {"packing", packing_name(plan.client.packing)},
                          {"batch", plan.client.batch},
                          {"classes", plan.client.classes},
                          {"bytes",
                           {{"evaluation_keys", std::llround(plan.evaluation_key_bytes())},
                            {"upload", std::llround(plan.upload_bytes())},
                            {"reply", std::llround(plan.download_bytes())}}}});
    }
    return nlohmann::ordered_json{{"models", models}}.dump() + "\n";
}

std::vector<ServedEntry> load_served_entries(const std::filesystem::path& file) {
    const std::string name = file.string();
    const FieldPath root(name, documentation);
    const TextFile text = read_text(file, small_document.bytes);
    if (!text.whole) {
        throw Error(name + ": expected a configuration of at most " + std::to_string(small_document.bytes) +
                    " bytes, found a longer file; " + documentation);
    }
    const json document = parse_document(text.text, root, small_document);
    check_object(document, root, {"models"});
    const FieldPath place(root, "models");
    std::vector<ServedEntry> entries;
    for (const json& value : array(member(document, root, "models"), place)) {
        entries.push_back(parse_entry(value, FieldPath(place, entries.size())));
    }
    return entries;
}

}  // namespace lacuna::service
