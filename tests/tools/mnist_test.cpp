// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <lacuna/nn/model/model.h>
#include "tests/support/child_process.h"
#include "tests/support/digits_source.h"
#include "tests/support/places.h"
#include "tests/tools/deep_model.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;

const std::filesystem::path shipped_digits = test::source_folder() / "tools/digits";

/// Runs in an empty folder, where no MNIST is found by chance.
CommandResult run_without_mnist(std::vector<std::string> arguments) {
    const TemporaryFolder folder;
    arguments.insert(arguments.begin(), "mnist");
    return run_lacuna(arguments, {folder.path(), {{"LACUNA_MNIST", ""}}});
}

void expect_report(const json& report, std::size_t images) {
    EXPECT_EQ(report["images"], images);
    EXPECT_EQ(report["matches_reference"], images);
    EXPECT_LE(report["correct"], images);
    EXPECT_NEAR(report["accuracy"].get<double>(),
                report["correct"].get<double>() / static_cast<double>(images), 1e-9);
    const char* forced = std::getenv("LACUNA_KERNELS");
    if (forced != nullptr) {
        EXPECT_EQ(report["kernel"], forced);
    }
    EXPECT_LE(report["params"]["log_qp"], 868);
    EXPECT_GE(report["params"]["n"], 2048);
    EXPECT_GE(report["params"]["log_qp"], report["params"]["log_q"]);
    EXPECT_EQ(report["hops"]["moduli"],
              report["params"]["plain_moduli"].size() + report["params"]["plain_polynomials"].size());
    for (const char* stage : {"keygen", "encrypt", "infer", "decrypt"}) {
        EXPECT_GT(report["seconds"][stage], 0.0) << stage;
    }
    for (const char* what : {"evaluation_keys", "upload", "download"}) {
        EXPECT_GT(report["bytes"][what], 0) << what;
    }
    std::uint64_t sum = 0;
    for (const char* column : {"pt_ct_adds", "ct_ct_adds", "pt_ct_mults", "ct_ct_mults"}) {
        sum += report["hops"][column].get<std::uint64_t>();
    }
    EXPECT_EQ(report["hops"]["total"], sum);
    for (const char* place : {"output", "reply"}) {
        EXPECT_GE(report["min_noise_budget_bits"][place], report["predicted_noise_budget_bits"][place])
            << place;
        EXPECT_GT(report["predicted_noise_budget_bits"][place], 0.0) << place;
    }
    EXPECT_GT(report["images_per_second"], 0.0);
    EXPECT_GT(report["peak_memory_bytes"], 0);
}

TEST(Mnist, RunsOnTheShippedDigitsAndSaysHowToGetMnist) {
    const CommandResult result =
        run_without_mnist({"--images", "20", "--packing", "slots", "--no-circuit-privacy"});
    EXPECT_EQ(result.code, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    for (const char* part :
         {"this project drew itself", "20 of 20 images", "label ", "answer ", "--mnist DIR",
          "t10k-images-idx3-ubyte.gz", "CT-CT mults", "key generation", "log2 QP"}) {
        EXPECT_NE(result.output.find(part), std::string::npos) << part << " in\n" << result.output;
    }
}

TEST(Mnist, SlotsReport) {
    // Where MNIST is absent this runs on the shipped digits, as digits_source() says.
    const std::size_t images = std::min<std::size_t>(test::digits_source().digits.images.count, 300);
    const CommandResult result =
        run_lacuna({"mnist", "--mnist", test::digits_source().folder.string(), "--images",
                    std::to_string(images), "--packing", "slots", "--threads", "1", "--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json report = json::parse(result.output);
    expect_report(report, images);
    EXPECT_EQ(report["packing"], "slots");
    EXPECT_EQ(report["threads"], 1);
    EXPECT_EQ(report["privacy_bits"], 40);
    EXPECT_GE(report["accuracy"], 0.9);
}

TEST(Mnist, RadixReport) {
    const CommandResult result = run_without_mnist({"--packing", "radix", "--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json report = json::parse(result.output);
    expect_report(report, 1);
    EXPECT_EQ(report["packing"], "radix");
    EXPECT_EQ(report["privacy_bits"], 40);
    EXPECT_EQ(report["digits"], "shipped");
}

TEST(Mnist, BadFilesAreRefusedInOneLine) {
    expect_failure(run_lacuna({"mnist", "--mnist", "/nonexistent"}), 1, {"/nonexistent"});
    const TemporaryFolder folder;
    expect_failure(run_lacuna({"mnist", "--mnist", folder.path().string()}), 1, {folder.path().string()});
    const std::string images = read_text(shipped_digits / "images-idx3-ubyte.gz");
    const std::string labels = read_text(shipped_digits / "labels-idx1-ubyte.gz");
    write_text(folder / "images-idx3-ubyte.gz", images.substr(0, images.size() / 2));
    write_text(folder / "labels-idx1-ubyte.gz", labels);
    expect_failure(run_lacuna({"mnist", "--mnist", folder.path().string()}), 1,
                   {"images-idx3-ubyte.gz", "expected"});
    write_text(folder / "images-idx3-ubyte.gz", images);
    write_text(folder / "labels-idx1-ubyte.gz", std::string("\0\0\x08\x01\0\0\0\x01\x05", 9));
    expect_failure(run_lacuna({"mnist", "--mnist", folder.path().string()}), 1, {"labels"});
}

TEST(Mnist, RefusesMoreImagesThanThereAre) {
    expect_failure(run_without_mnist({"--images", "201"}), 1, {"--images", "200", "201", "--mnist"});
}

TEST(Mnist, RefusesAModelForOtherImages) {
    const TemporaryFolder folder;
    Model model;
    model.name = "tiny";
    model.input_shape = {1, 2, 2};
    model.thresholds = {128};
    model.layers.push_back({"flatten", Flatten{}});
    model.layers.push_back({"dense", Dense{{4, {{{0, 1}}, {{3, -1}}}}, {0, 0}}});
    save_model(model, folder / "tiny.lacuna.json");
    expect_failure(run_without_mnist({"--model", (folder / "tiny.lacuna.json").string()}), 1,
                   {"tiny", "1 x 28 x 28", "1 x 2 x 2"});
}

TEST(Mnist, TakesDataOfOnesOwn) {
    const TemporaryFolder folder;
    Model model;
    model.name = "table";
    model.input_shape = {3, 1, 1};
    model.thresholds = {64, 192};
    model.features.ranges = {{-1, 1}, {0, 1000}, {5, 6}};
    model.layers.push_back({"dense", Dense{{3, {{{0, 1}, {2, -3}}, {{1, 2}}}}, {2, 0}}});
    save_model(model, folder / "table.lacuna.json");
    write_text(folder / "rows.csv", "-0.5,900,5.9,1\n1,10,5,0\n1,1000,5.2,1\n");
    const auto run = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"mnist", "--model", "table.lacuna.json", "--packing", "slots"});
        return run_lacuna(more, {folder.path(), {}});
    };
    const CommandResult result = run({"--data", "rows.csv", "--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json report = json::parse(result.output);
    EXPECT_EQ(report["digits"], "data");
    EXPECT_EQ(report["images"], 3);
    EXPECT_EQ(report["matches_reference"], 3);
    EXPECT_EQ(report["correct"], 2);
    const CommandResult text = run({"--data", "rows.csv", "--first", "1"});
    EXPECT_NE(text.output.find("The data rows.csv"), std::string::npos) << text.output;
    EXPECT_NE(text.output.find("2 of 2 images"), std::string::npos) << text.output;
    expect_failure(run({"--data", "rows.csv", "--images", "4"}), 1, {"--images", "3", "found 4"});
    expect_failure(run({"--data", "rows.csv", "--mnist", "."}), 2, {"--mnist"});
    write_text(folder / "flat.csv", "-0.5,900,5.9\n");
    expect_failure(run({"--data", "flat.csv"}), 1, {"flat.csv", "labels"});
}

TEST(Mnist, RefusesASecurityLevelThatDoesNotFit) {
    const TemporaryFolder folder;
    save_model(deep_model(), folder / "deep.lacuna.json");
    expect_failure(
        run_without_mnist({"--model", (folder / "deep.lacuna.json").string(), "--security", "256"}), 1,
        {"256 bits of security"});
}

TEST(Mnist, CtrlCStopsIt) {
    const TemporaryFolder folder;
    ChildProcess process(test::lacuna_command(), {"mnist", "--packing", "slots", "--threads", "1"},
                         {folder.path(), {{"LACUNA_MNIST", ""}, {"LACUNA_KERNELS", "portable"}}});
    while (process.running() && process.threads() < 2) {  // until there is one that waits for signals
        ::usleep(1'000);
    }
    process.send(SIGINT);
    EXPECT_EQ(process.wait(), 130);
    EXPECT_EQ(process.output(), "");
    EXPECT_NE(process.errors().find("stopped on request"), std::string::npos) << process.errors();
}

}  // namespace
}  // namespace lacuna::testing
