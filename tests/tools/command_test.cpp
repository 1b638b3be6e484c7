// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/plan.h>
#include "tests/support/child_process.h"
#include "tests/support/places.h"
#include "tests/support/small_network.h"
#include "tests/tools/deep_model.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;

const std::filesystem::path models = test::source_folder() / "nn/models";

TEST(Command, HelpAndVersionSucceedEverywhere) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"--help"},
                                                                       {"mnist", "--help"},
                                                                       {"evaluate", "--help"},
                                                                       {"plan", "--help"},
                                                                       {"activation", "--help"}}) {
        const CommandResult result = run_lacuna(arguments);
        EXPECT_EQ(result.code, 0);
        EXPECT_NE(result.output.find("Examples:"), std::string::npos) << result.output;
        EXPECT_EQ(result.errors, "");
    }
    const CommandResult version = run_lacuna({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.output.rfind("lacuna ", 0), 0U) << version.output;
}

TEST(Command, WrongUsageHasExitCodeTwo) {
    expect_failure(run_lacuna({}), 2, {"expected a command", "--help"});
    expect_failure(run_lacuna({"frobnicate"}), 2, {"frobnicate"});
    expect_failure(run_lacuna({"mnist", "--packing", "dense"}), 2, {"--packing", "dense"});
    expect_failure(run_lacuna({"mnist", "--security", "100"}), 2, {"--security", "100"});
    expect_failure(run_lacuna({"mnist", "--images", "0"}), 2, {"--images"});
    expect_failure(run_lacuna({"mnist", "--threads", "none"}), 2, {"--threads"});
    expect_failure(run_lacuna({"mnist", "--privacy-bits", "20", "--no-circuit-privacy"}), 2,
                   {"--privacy-bits"});
    expect_failure(run_lacuna({"plan"}), 2, {"--model", "--compare"});
    expect_failure(run_lacuna({"plan", "--compare", "--model", "faster-cryptonets"}), 2, {"--compare"});
    expect_failure(run_lacuna({"activation", "--density", "normal"}), 2, {"--density", "normal MU SIGMA"});
    expect_failure(run_lacuna({"activation", "--density", "normal", "0", "wide"}), 2, {"--density", "wide"});
}

TEST(Command, RefusesAnUnknownKernelByName) {
    expect_failure(run_lacuna({"plan", "--model", "faster-cryptonets"}, {{}, {{"LACUNA_KERNELS", "abacus"}}}),
                   1, {"LACUNA_KERNELS", "abacus", "portable"});
}

TEST(Plan, SaysWhatWillHappenAndWhy) {
    const CommandResult text = run_lacuna({"plan", "--model", "faster-cryptonets", "--batch", "100"});
    EXPECT_EQ(text.code, 0) << text.errors;
    for (const char* part :
         {"conv1", "square2", "CT-CT mults", "Why:", "2024 guidelines", "circuit privacy"}) {
        EXPECT_NE(text.output.find(part), std::string::npos) << part;
    }
    const CommandResult result =
        run_lacuna({"plan", "--model", (models / "faster-cryptonets.lacuna.json").string(), "--packing",
                    "slots", "--no-circuit-privacy", "--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json plan = json::parse(result.output);
    EXPECT_EQ(plan["client"]["packing"], "slots");
    EXPECT_EQ(plan["client"]["privacy_bits"], 0);
    EXPECT_EQ(plan["hops"]["layers"].size(), 6U);
    EXPECT_LE(plan["hops"]["total"], 67194);
    EXPECT_EQ(plan["hops"]["ct_ct_mults"], 945);
    EXPECT_GT(plan["predicted_noise_budget_bits"]["reply"], 0);
    EXPECT_LE(plan["params"]["log_qp"], 430);
    EXPECT_GT(plan["estimated_seconds"], 0);
}

TEST(Plan, ComparesEveryShippedModelWithThePublishedNetworks) {
    const CommandResult text = run_lacuna({"plan", "--compare"});
    EXPECT_EQ(text.code, 0) << text.errors;
    EXPECT_NE(text.output.find("67,194"), std::string::npos);
    const CommandResult result = run_lacuna({"plan", "--compare", "--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json rows = json::parse(result.output)["networks"];
    std::size_t shipped = 0;
    for (const json& row : rows) {
        EXPECT_GE(row["total"], row["ct_ct_mults"]);
        shipped += row["shipped"] == true ? 1 : 0;
    }
    EXPECT_EQ(rows.size(), shipped + 4);
    EXPECT_GE(shipped, 1U);
}

TEST(Plan, SetsOtherSystemsBesideAShippedModelAndItsCommand) {
    const CommandResult text = run_lacuna({"plan", "--compare"});
    const CommandResult result = run_lacuna({"plan", "--compare", "--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json report = json::parse(result.output);
    std::map<std::string, double> accuracies;
    for (const json& row : report["networks"]) {
        if (row["shipped"] == true && row["accuracy"].is_number()) {
            accuracies[row["network"].get<std::string>()] = row["accuracy"];
        }
    }
    for (const char* system : {"SHE", "SpENCNN", "HE-PEx", "Falcon", "HEMET", "LoLa"}) {
        bool found = false;
        for (const json& row : report["systems"]) {
            found = found || row["system"].get<std::string>().starts_with(system);
        }
        EXPECT_TRUE(found) << system;
        EXPECT_NE(text.output.find(system), std::string::npos) << system;
    }
    for (const json& row : report["systems"]) {
        EXPECT_FALSE(row["source"].get<std::string>().empty()) << row;
        EXPECT_FALSE(row["here"]["command"].get<std::string>().empty()) << row;
        EXPECT_TRUE(row["accuracy"].is_null() || row["accuracy"] < 1.0) << row;
        // By its name, or by its name and data.
        const std::string model = row["here"]["model"];
        const auto same = std::ranges::find_if(accuracies, [&](const auto& entry) {
            return entry.first == model || entry.first.starts_with(model + " (");
        });
        ASSERT_NE(same, accuracies.end()) << row;
        EXPECT_EQ(row["here"]["accuracy"], same->second) << row;
    }
}

TEST(Plan, DrawsTheCurveOfBatches) {
    const std::vector<std::string> arguments = {"plan", "--model", "messidor-private", "--batches", "1,1151"};
    const CommandResult text = run_lacuna(arguments);
    EXPECT_EQ(text.code, 0) << text.errors;
    EXPECT_NE(text.output.find("1,151"), std::string::npos) << text.output;
    std::vector<std::string> with_json = arguments;
    with_json.push_back("--json");
    const CommandResult result = run_lacuna(with_json);
    ASSERT_EQ(result.code, 0) << result.errors;
    const json rows = json::parse(result.output)["batches"];
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_NE(rows[0]["packing"], "slots");
    EXPECT_EQ(rows[1]["packing"], "slots");
    for (const json& row : rows) {
        const json alone = json::parse(
            run_lacuna({"plan", "--model", "messidor-private", "--batch", row["images"].dump(), "--json"})
                .output);
        EXPECT_EQ(row["n"], alone["params"]["n"]);
        EXPECT_EQ(row["requests"].get<std::size_t>() * row["images_per_request"].get<std::size_t>() >=
                      row["images"].get<std::size_t>(),
                  true);
    }
    EXPECT_EQ(run_lacuna({"plan", "--model", "messidor-private", "--batches", "0"}).code, 2);
    EXPECT_EQ(run_lacuna({"plan", "--model", "messidor-private", "--batches", "1", "--batch", "2"}).code, 2);
}

TEST(Plan, WritesTheClientsHalfAndNothingOfTheWeights) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder / "client.json";
    const std::vector<std::string> arguments = {"plan", "--model", "faster-cryptonets", "--export-client",
                                                file.string()};
    ASSERT_EQ(run_lacuna(arguments).code, 0);
    const ClientPlan plan = parse_client_plan(read_text(file), file.string());
    EXPECT_EQ(plan.model, "faster-cryptonets");
    EXPECT_EQ(plan.privacy_bits, 40);
    EXPECT_TRUE(plan.public_key);
    for (const char* part : {"weight", "ct_ct", "conv1", "terms"}) {
        EXPECT_EQ(read_text(file).find(part), std::string::npos) << part;
    }
    const std::string before = read_text(file);
    expect_failure(run_lacuna(arguments), 1, {"client.json"});
    EXPECT_EQ(read_text(file), before);
    auto forced = arguments;
    forced.emplace_back("--force");
    EXPECT_EQ(run_lacuna(forced).code, 0);
}

TEST(Plan, RefusesWhatCannotBe) {
    expect_failure(run_lacuna({"plan", "--model", "no-such-model"}), 1,
                   {"no-such-model", "faster-cryptonets", "*.lacuna.json"});
    expect_failure(
        run_lacuna({"plan", "--model", "faster-cryptonets", "--packing", "radix", "--plain-moduli", "1"}), 1,
        {"circuit privacy", "radix", "leave the plaintext moduli open"});
    const TemporaryFolder folder;
    save_model(deep_model(), folder / "deep.lacuna.json");
    expect_failure(
        run_lacuna({"plan", "--model", (folder / "deep.lacuna.json").string(), "--security", "256"}), 1,
        {"deep", "cannot be run under encryption", "256 bits of security"});
}

/// What a command says to the shipped model's file after a change.
CommandResult run_changed(const std::string& command, const std::function<void(json&)>& change) {
    const TemporaryFolder folder;
    json model = json::parse(read_text(models / "faster-cryptonets.lacuna.json"));
    change(model);
    write_text(folder / "changed.lacuna.json", model.dump());
    return run_lacuna({command, "--model", (folder / "changed.lacuna.json").string()});
}

TEST(Plan, SaysHowPrivateTheTrainingDataAre) {
    const TemporaryFolder folder;
    const auto plan = [&](const json& provenance) {
        Model model = small_network();
        model.provenance = provenance.dump();
        save_model(model, folder / "model.lacuna.json");
        return run_lacuna({"plan", "--model", (folder / "model.lacuna.json").string(), "--packing", "slots"});
    };
    const CommandResult result = plan({{"privacy", {{"epsilon", 2.5}, {"delta", 1e-5}}}});
    EXPECT_EQ(result.code, 0) << result.errors;
    EXPECT_NE(result.output.find("epsilon = 2.5, delta = 1e-05"), std::string::npos) << result.output;
    for (const json& privacy : {json(3), json{{"epsilon", "small"}, {"delta", 0.1}}, json()}) {
        const CommandResult other = plan({{"privacy", privacy}});
        EXPECT_EQ(other.code, 0) << other.errors;
        EXPECT_EQ(other.output.find("epsilon"), std::string::npos);
    }
}

TEST(ModelFile, WrongOnesAreRefusedInOneLine) {
    for (const std::string command : {"plan", "mnist"}) {
        expect_failure(run_changed(command, [](json& m) { m["version"] = 3; }), 1,
                       {"changed.lacuna.json", "version", "expected 1 or 2", "found 3"});
        expect_failure(run_changed(command,
                                   [](json& m) {
                                       m["layers"][0]["stride"] = {3, 2};
                                   }),
                       1, {"changed.lacuna.json", "expected"});
        expect_failure(run_changed(command,
                                   [](json& m) {
                                       m["input"]["shape"] = {1, 28, 24};
                                   }),
                       1, {"changed.lacuna.json", "expected"});
        expect_failure(run_changed(command, [](json& m) { m["layers"][1]["coefficients"][0] = 1.5; }), 1,
                       {"layers[1].coefficients[0]", "1.5"});
        expect_failure(run_changed(command, [](json& m) { m["surprise"] = 1; }), 1, {"surprise"});
        expect_failure(run_lacuna({command, "--model", (test::source_folder() / "LICENSE").string()}), 1,
                       {"LICENSE", "JSON"});
    }
}

TEST(ModelFile, WeightsOutOfRangeAreRefused) {
    const auto overweight = [](json& model) {
        for (json& layer : model["layers"]) {
            if (layer["type"] == "dense") {
                json& weights = layer["weights"];
                const bool sparse = weights.contains("terms");
                json& row = weights[sparse ? "terms" : "values"][0];
                (sparse ? row[0][1] : row[0]) = std::int64_t{1} << 31;
                return;
            }
        }
    };
    expect_failure(run_changed("plan", overweight), 1, {"changed.lacuna.json", "weights", "2147483648"});
}

TEST(Activation, FitsAndPlots) {
    const CommandResult text = run_lacuna({"activation", "--function", "relu", "--interval", "-4", "4"});
    EXPECT_EQ(text.code, 0) << text.errors;
    EXPECT_NE(text.output.find("2^-3"), std::string::npos) << text.output;
    const TemporaryFolder folder;
    for (const char* name : {"plot.svg", "plot.png"}) {
        const CommandResult result =
            run_lacuna({"activation", "--function", "swish", "--norm", "minimax", "--density", "normal", "0",
                        "1.5", "--exponents", "-8", "2", "--plot", (folder / name).string(), "--json"});
        ASSERT_EQ(result.code, 0) << result.errors;
        const json fit = json::parse(result.output);
        EXPECT_EQ(fit["powers_of_two"]["coefficients"].size(), 3U);
        EXPECT_GE(fit["powers_of_two"]["error"], fit["unconstrained"]["error"]);
    }
    EXPECT_NE(read_text(folder / "plot.svg").find("<svg"), std::string::npos);
    EXPECT_EQ(read_text(folder / "plot.png").substr(1, 3), "PNG");
    expect_failure(run_lacuna({"activation", "--plot", (folder / "plot.gif").string()}), 1, {".svg", ".gif"});
    expect_failure(run_lacuna({"activation", "--interval", "4", "-4"}), 1, {"interval"});
    expect_failure(run_lacuna({"activation", "--plot", (folder / "none/plot.svg").string()}), 1,
                   {"plot.svg"});
}

}  // namespace
}  // namespace lacuna::testing
