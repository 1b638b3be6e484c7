// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include <lacuna/he/files/checksum.h>
#include <lacuna/nn/model/model_limits.h>
#include <lacuna/nn/model/strict_json.h>
#include <lacuna/nn/model/text_file.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

namespace {

using namespace strict_json;
using nlohmann::ordered_json;

constexpr int compiled_plan_version = 1;
constexpr int parts_plan_version = 2;  // where the client adds parts of logits up, or giant steps are chained
constexpr int keyless_plan_version = 3;  // where nothing is relinearised
constexpr std::size_t most_stages = 256;
constexpr std::size_t most_folds = 64;
/// The client's half, and as much again as a small document.
constexpr detail::JsonLimits whole_document{
    strict_json::plan_document.bytes + strict_json::small_document.bytes, strict_json::maximum_nesting,
    strict_json::plan_document.values + strict_json::small_document.values,
    strict_json::plan_document.containers + strict_json::small_document.containers};
constexpr std::size_t most_diagonals = std::size_t{1} << 20;
constexpr std::size_t most_asked = 1'000'000'000;
/// Beyond any norm of a layer whose noise a ring of this library holds.
constexpr double largest_norm = 1e300;
const char* const again = "write the plan again with `lacuna plan --out`";

constexpr std::array<std::pair<PackedWay::Kind, const char*>, 4> way_names = {
    {{PackedWay::Kind::arranged, "arranged"},
     {PackedWay::Kind::direct, "direct"},
     {PackedWay::Kind::folded, "folded"},
     {PackedWay::Kind::parted, "parted"}}};

const char* way_name(PackedWay::Kind kind) {
    for (const auto& [known, name] : way_names) {
        if (known == kind) {
            return name;
        }
    }
    return "";
}

/// Of every other field: sorted, numbers as they print.
std::string checksum_of(json document) {
    document.erase("checksum");
    const std::string text = document.dump();
    Checksum checksum;
    checksum.update(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    return format_hash(checksum.value());
}

int version_of(const PlanRecipe& recipe) {
    const bool parts = std::ranges::any_of(recipe.stages, [](const Stage& stage) {
        return stage.diagonals && (stage.diagonals->parts > 1 || stage.diagonals->chained);
    });
    if (parts) {
        return parts_plan_version;
    }
    return recipe.keyless ? keyless_plan_version : compiled_plan_version;
}

ordered_json norms_json(const DiagonalAccount& account) {
    ordered_json row = {{"inputs", account.inputs},     {"outputs", account.outputs},
                        {"products", account.products}, {"babies", account.babies},
                        {"giants", account.giants},     {"most_giants", account.most_giants},
                        {"folds", account.folds},       {"any", account.norms.any},
                        {"fresh", account.norms.fresh}, {"keys", account.norms.keys}};
    if (account.parts > 1) {
        row["parts"] = account.parts;
    }
    return row;
}

ordered_json stages_json(const PlanRecipe& recipe) {
    ordered_json stages = ordered_json::array();
    auto way = recipe.ways.begin();
    for (std::size_t s = 0; s < recipe.stages.size(); ++s) {
        const Stage& stage = recipe.stages[s];
        ordered_json row = {{"layer", stage.layer}, {"limbs", recipe.choices.limbs[s]}};
        if (stage.linear && stage.diagonals) {
            row["diagonals"] = norms_json(*stage.diagonals);
            row["way"] = {{"kind", way_name(way->kind)}, {"period", way->period}, {"width", way->width}};
            if (way->chained) {
                row["way"]["chained"] = true;
            }
            ++way;
        } else if (stage.linear) {
            row["terms"] = {{"count", stage.terms},
                            {"sum", stage.norms.sum},
                            {"independent", stage.norms.independent},
                            {"products", stage.norms.products},
                            {"squares", stage.norms.squares}};
        }
        stages.push_back(std::move(row));
    }
    return stages;
}

double norm(const json& object, const FieldPath& place, const char* field) {
    const FieldPath at(place, field);
    const double value = number(member(object, place, field), at);
    if (!std::isfinite(value) || value < 0 || value > largest_norm) {
        fail(at, "a number from 0 to 1e300", describe(object[field]), again);
    }
    return value;
}

DiagonalAccount parse_diagonals(const json& value, const FieldPath& place) {
    check_object(value, place,
                 {"inputs", "outputs", "products", "babies", "giants", "most_giants", "folds", "any", "fresh",
                  "keys", "parts"});
    const auto number_of = [&](const char* field, std::size_t least, std::size_t most) {
        return count(member(value, place, field), FieldPath(place, field), least, most);
    };
    DiagonalAccount account;
    account.inputs = number_of("inputs", 1, max_packed_ciphertexts);
    account.outputs = number_of("outputs", 1, max_packed_ciphertexts);
    account.products = number_of("products", 0, most_diagonals);
    account.babies = number_of("babies", 0, most_diagonals);
    account.giants = number_of("giants", 0, most_diagonals);
    account.most_giants = number_of("most_giants", 0, most_diagonals);
    const FieldPath folds_at(place, "folds");
    const json& folds = array(member(value, place, "folds"), folds_at);
    if (folds.size() > most_folds) {
        fail(folds_at, "at most " + std::to_string(most_folds) + " sums of rotations",
             std::to_string(folds.size()), again);
    }
    for (std::size_t i = 0; i < folds.size(); ++i) {
        account.folds.push_back(count(folds[i], FieldPath(folds_at, i), 0, max_ntt_size));
    }
    if (value.contains("parts")) {
        account.parts = number_of("parts", 2, max_ntt_size);
    }
    account.norms.any = norm(value, place, "any");
    account.norms.fresh = norm(value, place, "fresh");
    account.norms.keys = norm(value, place, "keys");
    return account;
}

PackedWay parse_way(const json& value, const FieldPath& place) {
    check_object(value, place, {"kind", "period", "width", "chained"});
    const std::string kind = text_of(member(value, place, "kind"), FieldPath(place, "kind"));
    PackedWay way;
    bool known = false;
    for (const auto& [of_name, name] : way_names) {
        if (kind == name) {
            way.kind = of_name;
            known = true;
        }
    }
    if (!known) {
        fail(FieldPath(place, "kind"), "arranged, direct, folded or parted", describe(value["kind"]), again);
    }
    way.period = count(member(value, place, "period"), FieldPath(place, "period"), 0, max_ntt_size);
    way.width = static_cast<int>(
        count(member(value, place, "width"), FieldPath(place, "width"), 0, max_ntt_size - 1));
    way.chained = value.contains("chained") && boolean(value["chained"], FieldPath(place, "chained"));
    return way;
}

void parse_stage(const json& value, const FieldPath& place, PlanRecipe& recipe) {
    check_object(value, place, {"layer", "limbs", "terms", "diagonals", "way"});
    Stage& stage = recipe.stages.emplace_back();
    stage.layer = count(member(value, place, "layer"), FieldPath(place, "layer"), 0, most_stages);
    recipe.choices.limbs.push_back(
        count(member(value, place, "limbs"), FieldPath(place, "limbs"), 1, max_ntt_size));
    stage.linear = value.contains("terms") || value.contains("diagonals");
    if (value.contains("terms") && value.contains("diagonals")) {
        fail(place, "terms or diagonals", "both", again);
    }
    if (value.contains("terms")) {
        const FieldPath at(place, "terms");
        const json& terms = value["terms"];
        check_object(terms, at, {"count", "sum", "independent", "products", "squares"});
        stage.terms = norm(terms, at, "count");
        stage.norms = {norm(terms, at, "sum"), norm(terms, at, "independent"), norm(terms, at, "products"),
                       norm(terms, at, "squares")};
    }
    if (value.contains("diagonals")) {
        stage.diagonals = parse_diagonals(value["diagonals"], FieldPath(place, "diagonals"));
        recipe.ways.push_back(parse_way(member(value, place, "way"), FieldPath(place, "way")));
        stage.diagonals->chained = recipe.ways.back().chained;
    } else if (value.contains("way")) {
        fail(FieldPath(place, "way"), "none without diagonals", "one", again);
    }
}

}  // namespace

std::string format_compiled_plan(const Plan& plan) {
    ordered_json document = {
        {"format", "lacuna-plan"},
        {"version", version_of(plan.recipe)},
        {"model_digest", format_hash(plan.model_digest)},
        {"client", ordered_json::parse(format_client_plan(plan.client))},
        {"batch", plan.recipe.batch},
        {"unscaled", plan.recipe.choices.unscaled},
        {"stages", stages_json(plan.recipe)},
    };
    document["checksum"] = checksum_of(json::parse(document.dump()));
    return document.dump(2) + "\n";
}

namespace {

/// The whole document, its format, version and checksum verified.
json parse_whole(std::string_view text, const FieldPath& root) {
    json document = parse_document(text, root, whole_document);
    check_format(document, root, "a compiled plan", "lacuna-plan",
                 {compiled_plan_version, parts_plan_version, keyless_plan_version},
                 "give the file that `lacuna plan --out` wrote",
                 std::string("use a library that reads this version, or ") + again);
    check_object(document, root,
                 {"format", "version", "model_digest", "client", "batch", "unscaled", "stages", "checksum"});
    const FieldPath checksum_at(root, "checksum");
    const std::string checksum = checksum_of(document);
    if (text_of(member(document, root, "checksum"), checksum_at) != checksum) {
        fail(checksum_at, checksum + ", of what the file says", describe(document["checksum"]),
             std::string("the file is damaged or was changed: ") + again);
    }
    return document;
}

CompiledPlanHead parse_head(const json& document, const FieldPath& root, const std::string& source) {
    CompiledPlanHead head;
    head.client = parse_client_plan(member(document, root, "client").dump(), source + ": client");
    const FieldPath at(root, "model_digest");
    const std::optional<Digest> digest = parse_digest(text_of(member(document, root, "model_digest"), at));
    if (!digest) {
        fail(at, std::to_string(2 * sizeof(Digest)) + " hexadecimal digits",
             describe(document["model_digest"]), again);
    }
    head.model_digest = *digest;
    return head;
}

std::string read_whole(const std::filesystem::path& file, const std::stop_token& stop) {
    TextFile text = read_text(file, whole_document.bytes, stop);
    const std::string name = file.string();
    if (!text.whole) {
        fail(FieldPath(name, again), "at most " + std::to_string(whole_document.bytes) + " bytes",
             text.size ? std::to_string(*text.size) : "more",
             "give a compiled plan, as `lacuna plan --out` writes it");
    }
    return std::move(text.text);
}

}  // namespace

CompiledPlanHead load_compiled_plan_head(const std::filesystem::path& file) {
    const std::string name = file.string();
    const FieldPath root(name, again);
    return parse_head(parse_whole(read_whole(file, {}), root), root, name);
}

Plan parse_compiled_plan(std::string_view text, const Model& model, const std::string& source,
                         const std::stop_token& stop) {
    const FieldPath root(source, again);
    const json document = parse_whole(text, root);
    const CompiledPlanHead head = parse_head(document, root, source);
    const Digest expected = digest(model);
    if (head.client.model != model.name || head.model_digest != expected) {
        fail(FieldPath(root, "model_digest"),
             "a plan for the model '" + model.name + "' " + format_hash(expected),
             "one for '" + head.client.model + "' " + format_hash(head.model_digest),
             std::string("give the model that it was made for, or ") + again);
    }
    PlanRecipe recipe;
    recipe.batch = count(member(document, root, "batch"), FieldPath(root, "batch"), 1, most_asked);
    recipe.choices.unscaled = boolean(member(document, root, "unscaled"), FieldPath(root, "unscaled"));
    recipe.keyless = document["version"] == keyless_plan_version;
    const FieldPath stages_at(root, "stages");
    const json& stages = array(member(document, root, "stages"), stages_at);
    if (stages.empty() || stages.size() > most_stages) {
        fail(stages_at, "1 to " + std::to_string(most_stages) + " stages", std::to_string(stages.size()),
             again);
    }
    for (std::size_t s = 0; s < stages.size(); ++s) {
        parse_stage(stages[s], FieldPath(stages_at, s), recipe);
    }
    if (document["version"] != version_of(recipe)) {
        fail(FieldPath(root, "version"), std::to_string(version_of(recipe)) + " of such stages",
             describe(document["version"]), again);
    }
    try {
        return remake_plan(model, head.client, recipe, stop);
    } catch (const Stopped&) {
        throw;
    } catch (const Error& error) {
        throw Error(source + ": " + error.what());
    }
}

Plan load_compiled_plan(const std::filesystem::path& file, const Model& model, const std::stop_token& stop) {
    return parse_compiled_plan(read_whole(file, stop), model, file.string(), stop);
}

}  // namespace lacuna
