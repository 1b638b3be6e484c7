// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/model.h>
#include <lacuna/ntt/error.h>
#include "tests/support/child_process.h"
#include "tests/support/places.h"
#include "tools/answers.h"
#include "tools/demo_set.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;

/// Ten classes, of which each looks at one pixel and the answer is the brightest.
Model ten_classes(const Shape& shape) {
    Model model;
    model.name = "ten";
    model.input_shape = shape;
    model.thresholds = {64, 128, 192};
    model.layers.push_back({"flatten", Flatten{}});
    Dense logits{{static_cast<std::uint32_t>(shape.size()), {}}, std::vector<mpz_class>(10)};
    for (std::uint32_t row = 0; row < 10; ++row) {
        logits.weights.rows.push_back({{row, 1}});
    }
    model.layers.push_back({"logits", std::move(logits)});
    return model;
}

/// A record of CIFAR-10 whose pixel `bright` is white, the next one light and the one after it grey.
std::string cifar_record(char label, std::size_t bright) {
    std::string record(1 + 3072, '\0');
    record[0] = label;
    for (std::size_t i = 0; i < 3; ++i) {
        record[1 + bright + i] = static_cast<char>(255 - 70 * i);
    }
    return record;
}

/// A folder with a test set of two images, cat and ship, and a model that takes the second for a dog.
struct CifarFolder {
    TemporaryFolder folder;

    CifarFolder() {
        write_text(folder / "test_batch.bin", cifar_record(3, 3) + cifar_record(8, 5));
        save_model(ten_classes({3, 32, 32}), folder / "ten.lacuna.json");
    }
    [[nodiscard]] CommandResult run(std::vector<std::string> more) const {
        more.insert(more.begin(), {"demo", "cifar10", "--folder", ".", "--model", "ten.lacuna.json",
                                   "--images", "2", "--packing", "slots"});
        return run_lacuna(more, {folder.path(), {}});
    }
};

TEST(Demo, CifarSaysClassesByNameWithTheirMargins) {
    const CifarFolder cifar;
    const CommandResult text = cifar.run({});
    ASSERT_EQ(text.code, 0) << text.errors;
    for (const char* part : {"The CIFAR-10 test set in .", "label cat, answer cat", "label ship, answer dog",
                             "1 of 2", "2 of 2 images", "frog (-1.00)", "horse (-2.00)"}) {
        EXPECT_NE(text.output.find(part), std::string::npos) << part << " in\n" << text.output;
    }
    EXPECT_EQ(text.output.find('\x1b'), std::string::npos) << "standard output is no terminal";
    const CommandResult colours = cifar.run({"--colour", "always"});
    EXPECT_NE(colours.output.find("\x1b[38;2;"), std::string::npos);

    const CommandResult result = cifar.run({"--json"});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json report = json::parse(result.output);
    EXPECT_EQ(report["digits"], "cifar10");
    EXPECT_EQ(report["matches_reference"], 2);
    ASSERT_EQ(report["top"].size(), 2U);
    EXPECT_EQ(report["top"][1]["name"], "ship");
    const json& classes = report["top"][1]["classes"];
    ASSERT_EQ(classes.size(), 3U);
    EXPECT_EQ(classes[0], (json{{"class", 5}, {"name", "dog"}, {"margin", 0.0}}));
    EXPECT_EQ(classes[2], (json{{"class", 7}, {"name", "horse"}, {"margin", 2.0}}));
}

TEST(Demo, DrawsASheet) {
    const CifarFolder cifar;
    const CommandResult result = cifar.run({"--sheet", "sheet.svg"});
    ASSERT_EQ(result.code, 0) << result.errors;
    EXPECT_NE(read_text(cifar.folder / "sheet.svg").find("<svg"), std::string::npos);
    expect_failure(cifar.run({"--sheet", "sheet.jpg"}), 1, {"sheet.jpg", ".svg or .png"});
}

TEST(Demo, MissingDataAreNamedInOneLine) {
    const TemporaryFolder folder;
    const auto run = [&](const char* set, const char* variable, std::vector<std::string> more) {
        more.insert(more.begin(), {"demo", set});
        return run_lacuna(more, {folder.path(), {{variable, ""}}});
    };
    expect_failure(run("cifar10", "LACUNA_CIFAR10", {}), 1,
                   {"CIFAR-10", "data/cifar10", "--folder DIR", "LACUNA_CIFAR10"});
    expect_failure(run("fashion-mnist", "LACUNA_FASHION_MNIST", {}), 1,
                   {"Fashion-MNIST", "data/fashion-mnist", "LACUNA_FASHION_MNIST"});
    expect_failure(run("fashion-mnist", "LACUNA_FASHION_MNIST", {"--folder", "nowhere"}), 1, {"nowhere"});
    expect_failure(run("imagenet", "LACUNA_MNIST", {}), 2, {"imagenet", "cifar10"});
    EXPECT_EQ(run_lacuna({"demo"}).code, 2);
}

TEST(Demo, FoldersComeFromTheVariableToo) {
    const TemporaryFolder folder;
    save_model(ten_classes({1, 28, 28}), folder / "ten.lacuna.json");
    const CommandResult result = run_lacuna(
        {"demo", "fashion-mnist", "--model", "ten.lacuna.json", "--images", "2", "--packing", "slots",
         "--json"},
        {folder.path(), {{"LACUNA_FASHION_MNIST", (test::source_folder() / "tools/digits").string()}}});
    ASSERT_EQ(result.code, 0) << result.errors;
    const json report = json::parse(result.output);
    EXPECT_EQ(report["digits"], "fashion-mnist");
    EXPECT_EQ(report["top"][0]["name"], "T-shirt");
}

TEST(Demo, MnistIsTheSameUnderItsOldName) {
    const TemporaryFolder folder;
    save_model(ten_classes({1, 28, 28}), folder / "ten.lacuna.json");
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--model", "ten.lacuna.json", "--images", "3", "--packing",
                                           "slots", "--threads", "1", "--json"});
        const CommandResult result = run_lacuna(arguments, {folder.path(), {{"LACUNA_MNIST", ""}}});
        EXPECT_EQ(result.code, 0) << result.errors;
        json report = json::parse(result.output);
        EXPECT_EQ(report["digits"], "shipped");
        for (const char* measured :
             {"seconds", "images_per_second", "peak_memory_bytes", "min_noise_budget_bits"}) {
            EXPECT_EQ(report.erase(measured), 1U) << measured;
        }
        return report;
    };
    EXPECT_EQ(run({"mnist"}), run({"demo", "mnist"}));
}

TEST(Demo, KeepsItsPlan) {
    const TemporaryFolder folder;
    save_model(ten_classes({1, 28, 28}), folder / "ten.lacuna.json");
    const auto run = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"mnist", "--model", "ten.lacuna.json", "--images", "2", "--plan",
                                   "kept.plan", "--json"});
        return run_lacuna(more, {folder.path(), {{"LACUNA_MNIST", ""}}});
    };
    const CommandResult first = run({"--packing", "slots"});
    ASSERT_EQ(first.code, 0) << first.errors;
    const std::string kept = read_text(folder / "kept.plan");
    EXPECT_NE(kept.find("lacuna-plan"), std::string::npos);
    const CommandResult second = run({});
    ASSERT_EQ(second.code, 0) << second.errors;
    EXPECT_EQ(read_text(folder / "kept.plan"), kept);
    EXPECT_EQ(json::parse(second.output)["packing"], "slots");
    EXPECT_EQ(json::parse(second.output)["params"], json::parse(first.output)["params"]);
    // Another request, another model.
    expect_failure(run({"--packing", "packed"}), 1, {"kept.plan", "packed packing", "slots packing"});
    expect_failure(run({"--no-circuit-privacy"}), 1, {"kept.plan", "40 of circuit privacy"});
    Model other = ten_classes({1, 28, 28});
    other.thresholds.pop_back();
    other.thresholds.push_back(200);
    save_model(other, folder / "ten.lacuna.json");
    expect_failure(run({}), 1, {"kept.plan", "model_digest"});
}

TEST(RankedClasses, FollowTheLogitsAndTheLowerIndexOnATie) {
    const std::vector<mpz_class> logits = {-4, 7, 7, mpz_class("-100000000000000000000")};
    const std::vector<RankedClass> ranked = ranked_classes(logits, 0.5, 9);
    ASSERT_EQ(ranked.size(), 4U);
    EXPECT_EQ(ranked[0].index, 1U);
    EXPECT_EQ(ranked[1].index, 2U);
    EXPECT_EQ(ranked[1].margin, 0.0);
    EXPECT_EQ(ranked[2].index, 0U);
    EXPECT_EQ(ranked[2].margin, 5.5);
    EXPECT_EQ(ranked[3].margin, 5e19);
    EXPECT_EQ(ranked_classes(logits, 1, 2).size(), 2U);
}

TEST(DemoSet, KnowsItsNames) {
    EXPECT_EQ(demo_set_names(), (std::vector<std::string>{"mnist", "fashion-mnist", "cifar10"}));
    EXPECT_THROW((void)find_demo_set("svhn"), Error);
}

}  // namespace
}  // namespace lacuna::testing
