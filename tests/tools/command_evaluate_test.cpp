// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/reference.h>
#include "tests/support/child_process.h"
#include "tests/tools/small_model.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;

/// Two classes by one of four pixels: class 1 where the second pixel is light.
Model light_model() {
    Model model = test::small_model("light");
    auto& dense = std::get<Dense>(model.layers.back().kind);
    dense.weights.rows = {{{0, 0}}, {{1, 2}}};
    dense.weights.rows[0].clear();
    dense.bias = {1, 0};
    return model;
}

class Evaluate : public ::testing::Test {
  protected:
    Evaluate() {
        save_model(light_model(), folder_ / "light.lacuna.json");
        write_text(folder_ / "rows.csv", "0,200,0,0,1\n0,0,0,0,0\n0,0,0,0,1\n0,255,0,0,1\n");
    }
    CommandResult run(const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"evaluate"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_lacuna(arguments, {folder_.path(), {}});
    }
    json run_json(std::vector<std::string> more) {
        more.emplace_back("--json");
        const CommandResult result = run(more);
        EXPECT_EQ(result.code, 0) << result.errors;
        return json::parse(result.output);
    }

    TemporaryFolder folder_;
};

TEST_F(Evaluate, CountsWhatIsRight) {
    const json all = run_json({"light.lacuna.json", "--data", "rows.csv"});
    EXPECT_EQ(all["rows"], 4);
    EXPECT_EQ(all["correct"], 3);
    EXPECT_EQ(all["accuracy"], 0.75);
    EXPECT_EQ(all["confusion"], json::parse("[[1, 0], [1, 2]]"));
    EXPECT_EQ(all["per_class"][1]["rows"], 3);
    EXPECT_EQ(all["per_class"][1]["right"], 2);
    EXPECT_EQ(all["per_class"][0]["answers"], 2);
    EXPECT_EQ(all["trained_on_these_data"], "possibly");
    EXPECT_TRUE(all["note"].is_string());
    EXPECT_TRUE(all["part"].is_null());
    const json some = run_json({"--model", "light.lacuna.json", "--data", "rows.csv", "--unseen", "--first",
                                "2", "--count", "1", "--threads", "2"});
    EXPECT_EQ(some["rows"], 1);
    EXPECT_EQ(some["first"], 2);
    EXPECT_EQ(some["correct"], 0);
    EXPECT_EQ(some["trained_on_these_data"], "no");
    EXPECT_TRUE(some["note"].is_null());
}

TEST_F(Evaluate, NeverGivesAnAccuracyOnTrainingDataWithoutSayingSo) {
    const CommandResult text = run({"light.lacuna.json", "--data", "rows.csv"});
    EXPECT_NE(text.output.find("accuracy 75.00 %"), std::string::npos) << text.output;
    EXPECT_NE(text.output.find("note: the model file does not say"), std::string::npos) << text.output;
    EXPECT_NE(text.output.find("label \\ answer"), std::string::npos) << text.output;
    EXPECT_EQ(run({"light.lacuna.json", "--data", "rows.csv", "--unseen"}).output.find("note"),
              std::string::npos);
    Model model = light_model();
    model.provenance = R"({"trained_on": [{"data": "rows.csv"}]})";
    save_model(model, folder_ / "trained.lacuna.json");
    const json trained = run_json({"trained.lacuna.json", "--data", "rows.csv"});
    EXPECT_EQ(trained["trained_on_these_data"], "yes");
    EXPECT_TRUE(trained["note"].is_string());
}

TEST_F(Evaluate, WritesLogits) {
    const CommandResult result =
        run({"light.lacuna.json", "--data", "rows.csv", "--first", "1", "--out", "l.csv"});
    EXPECT_EQ(result.code, 0) << result.errors;
    EXPECT_EQ(read_text(folder_ / "l.csv"),
              "row,label,class,logit0,logit1\n1,0,0,1,0\n2,1,0,1,0\n3,1,1,1,2\n");
    expect_failure(run({"light.lacuna.json", "--data", "rows.csv", "--out", "l.csv"}), 1,
                   {"l.csv", "--force"});
    write_text(folder_ / "flat.csv", "0,255,0,0\n");
    const CommandResult forced =
        run({"light.lacuna.json", "--data", "flat.csv", "--out", "l.csv", "--force"});
    EXPECT_NE(forced.output.find("no labels"), std::string::npos) << forced.output;
    EXPECT_EQ(read_text(folder_ / "l.csv"), "row,class,logit0,logit1\n0,1,1,2\n");
    EXPECT_TRUE(run_json({"light.lacuna.json", "--data", "flat.csv"})["accuracy"].is_null());
}

TEST_F(Evaluate, RefusesWhatDoesNotFit) {
    expect_failure(run({"light.lacuna.json"}), 2, {"--data"});
    expect_failure(run({"--data", "rows.csv"}), 2, {"model"});
    expect_failure(run({"light.lacuna.json", "--data", "rows.csv", "--part", "all"}), 2, {"--part"});
    expect_failure(run({"light.lacuna.json", "--data", "rows.csv", "--part", "test"}), 2,
                   {"--part", "folder"});
    expect_failure(run({"absent", "--data", "rows.csv"}), 1, {"absent"});
    expect_failure(run({"light.lacuna.json", "--data", "absent.npy"}), 1, {"absent.npy", "nothing"});
    expect_failure(run({"light.lacuna.json", "--data", "rows.csv", "--input-shape", "1,4,4"}), 1,
                   {"--input-shape", "1 x 2 x 2"});
    expect_failure(run({"light.lacuna.json", "--data", "rows.csv", "--first", "9"}), 1,
                   {"rows.csv", "--first"});
    write_text(folder_ / "labels.csv", "0,0,0,0,1\n0,0,0,0,2\n");
    expect_failure(run({"light.lacuna.json", "--data", "labels.csv", "--out", "never.csv"}), 1,
                   {"labels.csv", "row 1", "below the 2", "found 2"});
    write_text(folder_ / "floats.csv", "0.5,0,0,0\n");
    expect_failure(run({"light.lacuna.json", "--data", "floats.csv"}), 1,
                   {"floats.csv: line 1", "no ranges"});
    EXPECT_FALSE(std::filesystem::exists(folder_ / "never.csv"));
}

/// A table of 30 features, each with its own range and thresholds: what the client encrypts of the numbers,
/// decrypted, is what the plaintext network says.
TEST_F(Evaluate, EqualsWhatComesBackEncrypted) {
    constexpr std::size_t features = 30;
    constexpr std::size_t rows = 40;
    std::mt19937 random(30);
    Model model;
    model.name = "table";
    model.input_shape = {features, 1, 1};
    Dense hidden{{features, {}}, {}};
    Dense logits{{5, {}}, {3, -4}};
    hidden.weights.rows.resize(5);
    logits.weights.rows.resize(2);
    for (std::uint32_t f = 0; f < features; ++f) {
        const double low = -5.0 + f * 0.7;
        model.features.ranges.push_back({low, low + 0.01 * (f + 1)});
        std::vector<int> thresholds;
        for (int t = 1 + static_cast<int>(random() % 40); t < 256;
             t += 20 + static_cast<int>(random() % 60)) {
            thresholds.push_back(t);
        }
        model.features.thresholds.push_back(std::move(thresholds));
        hidden.weights.rows[f % 5].push_back({f, static_cast<std::int64_t>(random() % 7) - 3});
        if (hidden.weights.rows[f % 5].back().weight == 0) {
            hidden.weights.rows[f % 5].back().weight = 1;
        }
    }
    for (std::uint32_t h = 0; h < 5; ++h) {
        hidden.bias.emplace_back(static_cast<long>(h) - 2);
        logits.weights.rows[h % 2].push_back({h, 1 + h});
    }
    model.layers = {{"hidden", hidden}, {"square", Activation{{0, 0, 1}}}, {"logits", logits}};
    save_model(model, folder_ / "table.lacuna.json");
    std::ostringstream table;
    table.precision(17);
    for (std::size_t r = 0; r < rows; ++r) {
        for (const InputRange& range : model.features.ranges) {
            table << range.low +
                         (range.high - range.low) * (static_cast<double>(random() % 1400) / 1000 - 0.2)
                  << ',';
        }
        table << r % 2 << '\n';
    }
    write_text(folder_ / "table.csv", table.str());

    const auto lacuna = [&](const std::vector<std::string>& arguments) {
        const CommandResult result = run_lacuna(arguments, {folder_.path(), {}});
        EXPECT_EQ(result.code, 0) << result.errors;
        return result.output;
    };
    lacuna({"plan", "--model", "table.lacuna.json", "--batch", "32", "--packing", "slots",
            "--no-circuit-privacy", "--export-client", "client.json"});
    EXPECT_EQ(json::parse(read_text(folder_ / "client.json"))["version"], 6)
        << "slots for 32 rows, with features";
    lacuna({"keygen", "--client", "client.json", "--out", "keys"});
    lacuna({"encrypt", "--keys", "keys", "--data", "table.csv", "--first", "8", "--count", "32", "--out",
            "up.lct"});
    lacuna({"infer", "--model", "table.lacuna.json", "--keys", "keys/evaluation.keys", "--in", "up.lct",
            "--out", "reply.lct", "--no-circuit-privacy"});
    const json answers = json::parse(lacuna({"decrypt", "--keys", "keys", "--in", "reply.lct", "--json"}));
    lacuna({"evaluate", "table.lacuna.json", "--data", "table.csv", "--first", "8", "--out", "plain.csv"});

    std::istringstream plain(read_text(folder_ / "plain.csv"));
    std::string line;
    std::getline(plain, line);
    ASSERT_EQ(answers["images"].size(), 32U);
    std::vector<std::string> different;
    for (const json& image : answers["images"]) {
        std::getline(plain, line);
        std::string expected = "," + image["class"].dump();
        for (const json& logit : image["logits"]) {
            expected += "," + logit.dump();
        }
        EXPECT_TRUE(line.ends_with(expected)) << line << " and " << expected;
        if (std::find(different.begin(), different.end(), expected) == different.end()) {
            different.push_back(expected);
        }
    }
    EXPECT_GT(different.size(), 20U);

    expect_failure(run_lacuna({"encrypt", "--keys", "keys", "--out", "x.lct"}, {folder_.path(), {}}), 2,
                   {"--images", "--data"});
    expect_failure(run_lacuna({"encrypt", "--keys", "keys", "--data", "table.csv", "--images", "table.csv",
                               "--out", "x.lct"},
                              {folder_.path(), {}}),
                   2, {"--images"});
    write_text(folder_ / "narrow.csv", "1,2,3\n");
    expect_failure(run_lacuna({"encrypt", "--keys", "keys", "--data", "narrow.csv", "--out", "x.lct"},
                              {folder_.path(), {}}),
                   1, {"narrow.csv: line 1", "30 columns", "found 3"});
}

}  // namespace
}  // namespace lacuna::testing
