// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <lacuna/he/files/checksum.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/ntt/error.h>
#include "tests/support/inference.h"
#include "tests/support/places.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

Model tiny_model() {
    return load_model(test::source_folder() / "tests/package/tiny.lacuna.json");
}

/// The file with another content under its right checksum.
std::string changed(const std::string& text, const std::function<void(json&)>& change) {
    json document = json::parse(text);
    change(document);
    document.erase("checksum");
    const std::string content = document.dump();
    Checksum checksum;
    checksum.update(std::span(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
    document["checksum"] = format_hash(checksum.value());
    return document.dump();
}

void expect_refused(const std::string& text, const Model& model, const std::vector<std::string>& parts) {
    try {
        (void)parse_compiled_plan(text, model, "server.plan");
        ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
        const std::string message = error.what();
        EXPECT_EQ(message.rfind("server.plan: ", 0), 0U) << message;
        for (const std::string& part : parts) {
            EXPECT_NE(message.find(part), std::string::npos) << "expected '" << part << "' in: " << message;
        }
    }
}

TEST(CompiledPlan, ComesBackAsItWas) {
    const Model model = tiny_model();
    std::vector<PlanRequest> requests = {
        {1, Packing::slots, 128, 0, false, 1}, {1, Packing::slots, 128, 40, false, 1},
        {1, Packing::slots, 192, 0, true, 1},  {1, Packing::slots, 128, 0, false, 2},
        {1, Packing::radix, 128, 0, false, 1}, {3, Packing::packed, 128, 40}};
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        for (const int privacy_bits : {0, 40}) {
            requests.push_back({30, packing, 128, privacy_bits, false, 0, PlainKind::binomial});
        }
    }
    for (const PlanRequest& request : requests) {
        const Plan plan = make_plan(model, request);
        const std::string text = format_compiled_plan(plan);
        const Plan read = parse_compiled_plan(text, model, "server.plan");
        EXPECT_EQ(read.client, plan.client);
        EXPECT_EQ(format_plan(read), format_plan(plan));  // every step, cost, bound and reason
        EXPECT_EQ(read.program.size(), plan.program.size());
        EXPECT_EQ(format_compiled_plan(read), text);
    }
}

TEST(CompiledPlan, ComesBackForAShippedModel) {
    const Model model = load_model(test::source_folder() / "nn/models/faster-cryptonets-small.lacuna.json");
    for (const Packing packing : {Packing::slots, Packing::packed}) {
        const Plan plan = make_plan(model, {1, packing, 128, 0});
        EXPECT_EQ(format_plan(parse_compiled_plan(format_compiled_plan(plan), model, "server.plan")),
                  format_plan(plan))
            << packing_name(packing);
    }
}

TEST(CompiledPlan, FilesOfEarlierReleasesAnswerExactly) {
    const Model model = tiny_model();
    for (const std::string name :
         {"slots", "radix", "packed", "packed_2", "packed_7", "slots_binomial", "radix_binomial"}) {
        const fs::path file = test::source_folder() / "tests/golden/nn" / (name + ".plan");
        const Plan plan = load_compiled_plan(file, model);
        EXPECT_EQ(packing_name(plan.client.packing), name.substr(0, name.find('_')));
        EXPECT_EQ(plan.client.galois_limbs.empty(), name != "packed_2" && name != "packed_7");
        EXPECT_EQ(plan.client.packed.images, name == "packed_7" ? 4U : 1U);
        std::ifstream stream(file);
        EXPECT_EQ(format_compiled_plan(plan), std::string(std::istreambuf_iterator<char>(stream), {}));
        const Inference inference(model, plan);
        const std::size_t images = plan.client.packing == Packing::radix ? 1 : 3;
        std::vector<std::uint8_t> pixels;
        for (std::size_t i = 0; i < images * model.input_shape.size(); ++i) {
            pixels.push_back(static_cast<std::uint8_t>(37 * i + 11));
        }
        inference.expect_exact(pixels);
    }
}

TEST(CompiledPlan, RefusesAnotherModel) {
    const std::string text =
        format_compiled_plan(make_plan(tiny_model(), {1, Packing::slots, 128, 0, false, 1}));
    Model other = tiny_model();
    std::get<Dense>(other.layers.back().kind).bias.front() += 1;
    expect_refused(text, other,
                   {"model_digest", "expected a plan for the model 'tiny'", "or write the plan"});
    other = tiny_model();
    other.name = "other";
    expect_refused(text, other, {"model_digest", "'other'", "'tiny'"});
}

TEST(CompiledPlan, RefusesDamage) {
    const Model model = tiny_model();
    const std::string text = format_compiled_plan(make_plan(model, {1, Packing::slots, 128, 0, false, 1}));
    std::string damaged = text;
    const std::size_t digit = damaged.find("\"sum\": ") + 7;
    damaged[digit] = damaged[digit] == '9' ? '8' : '9';
    expect_refused(damaged, model, {"checksum", "damaged", "lacuna plan --out"});
    expect_refused(text.substr(0, text.size() / 2), model, {});
    expect_refused(text + "x", model, {});
    expect_refused("{}", model, {"lacuna-plan"});
    expect_refused(format_client_plan(make_plan(model, {1, Packing::slots, 128, 0, false, 1}).client), model,
                   {"lacuna-plan", "lacuna-client-plan"});
    expect_refused(changed(text, [](json& d) { d["version"] = 9; }), model, {"version"});
    expect_refused(changed(text, [](json& d) { d["version"] = 3; }), model, {"client's half"});  // keyless
    expect_refused(changed(text, [](json& d) { d["more"] = 1; }), model, {"more"});
    expect_refused(changed(text, [](json& d) { d["stages"][0]["limbs"] = "2"; }), model, {"stages", "limbs"});
    expect_refused(changed(text, [](json& d) { d["stages"][0]["terms"]["sum"] = -1; }), model, {"sum"});
}

TEST(CompiledPlan, RefusesWhatItsProofDoesNotHoldFor) {
    const Model model = tiny_model();
    const std::string text = format_compiled_plan(make_plan(model, {1, Packing::slots, 128, 0, false, 1}));
    const std::vector<std::function<void(json&)>> changes = {
        [](json& d) { d["stages"][2]["terms"]["sum"] = d["stages"][2]["terms"]["products"] = 1e40; },
        [](json& d) { d["stages"][1]["limbs"] = 9; },  // rises
        [](json& d) { d["stages"].erase(2); },         // another network's
        [](json& d) { d["unscaled"] = true; },         // a polynomial of several powers
        [](json& d) { d["client"]["privacy_bits"] = 40; },
        [](json& d) { d["client"]["reply"]["classes"] = 1; },
        [](json& d) { d["client"]["parameters"]["plain_moduli"][0] = 65537; },
        [](json& d) {
            d["client"]["parameters"]["plain_moduli"] = {40961, 65537};
        },
    };
    for (const auto& change : changes) {
        expect_refused(changed(text, change), model, {});
    }
    const std::string packed = format_compiled_plan(make_plan(model, {1, Packing::packed, 128, 0}));
    expect_refused(changed(packed, [](json& d) { d["stages"][0].erase("way"); }), model, {"way"});
    expect_refused(changed(packed, [](json& d) { d["version"] = 1; }), model, {"version"});
    expect_refused(changed(packed, [](json& d) { d["client"]["keys"]["galois_limbs"].erase(0); }), model,
                   {"galois_limbs"});
    expect_refused(changed(packed, [](json& d) { d["client"]["packed"].erase("parts"); }), model, {"parts"});
    expect_refused(changed(packed, [](json& d) { d["stages"][0]["way"]["kind"] = "any"; }), model, {"kind"});
    // What only the layout tells is refused where the model is laid out.
    for (const auto& change : std::vector<std::function<void(json&)>>{
             [](json& d) { d["stages"][0]["diagonals"]["products"] = 1; },
             [](json& d) { d["stages"][0]["way"]["kind"] = "arranged"; },
             [](json& d) {
                 d["stages"][0]["way"] = {{"kind", "folded"}, {"period", 5}, {"width", 0}};
             },
             [](json& d) {
                 d["client"]["keys"]["galois_elements"].erase(0);
                 d["client"]["keys"]["galois_limbs"].erase(0);
             },
             [](json& d) { d["client"]["packed"]["logits"][0] = 9; }}) {
        const Plan plan = parse_compiled_plan(changed(packed, change), model, "server.plan");
        EXPECT_THROW((void)CompiledModel(model, plan), Error);
    }
}

}  // namespace
}  // namespace lacuna::testing
