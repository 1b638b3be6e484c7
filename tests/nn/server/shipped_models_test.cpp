// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/ntt/kernels.h>
#include "tests/support/digits_source.h"
#include "tests/support/inference.h"
#include "tests/support/places.h"
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

enum class Data { mnist, fashion_mnist, cifar10, messidor };

/// Correct answers on the first images of a data set's test part. A model that is trained again changes its
/// line here. Messidor has no test part: its model was judged by cross-validation.
struct Claim {
    int correct = 0;
    std::size_t images = 10000;
    Data data = Data::mnist;
    bool packed = false;  ///< made for the packed packing
    /// Maps of its convolutions that are left where all would take minutes; 0: all.
    std::size_t maps = 0;
    std::uint64_t operations = 2'000'000;  ///< at most
};

const std::map<std::string, Claim>& claims() {
    static const std::map<std::string, Claim> table = {
        {"cifar10", {74, 100, Data::cifar10, true, 4, 6'000'000}},
        {"cryptodl-1", {9908}},
        // Integers beyond 128 bits: all 10,000 images (9951 correct) take minutes.
        {"cryptodl-2", {298, 300}},
        {"cryptonets", {9930}},
        {"faster-cryptonets", {9936}},
        {"faster-cryptonets-packed", {9934, 10000, Data::mnist, true}},
        {"faster-cryptonets-small", {9882}},
        {"faster-cryptonets-tiny-range", {9899}},
        {"fashion-mnist", {8980, 10000, Data::fashion_mnist, true}},
        {"lola", {9899}},
        {"messidor-private", {0, 0, Data::messidor, true}},
    };
    return table;
}

const Claim& claim_of(const std::string& model) {
    const auto found = claims().find(model);
    if (found == claims().end()) {
        throw Error("add the model '" + model + "' to the table of claims");
    }
    return found->second;
}

/// The folder of Fashion-MNIST: $LACUNA_FASHION_MNIST, else beside the MNIST that the build names; nothing
/// where there is none.
std::optional<std::filesystem::path> fashion_folder() {
    if (const char* variable = std::getenv("LACUNA_FASHION_MNIST");
        variable != nullptr && *variable != '\0') {
        return variable;
    }
    const std::filesystem::path folder = test::shared_mnist_folder().parent_path() / "fashion-mnist";
    if (std::filesystem::is_directory(folder)) {
        return folder;
    }
    return std::nullopt;
}

/// The file of CIFAR-10's test set: $LACUNA_CIFAR10 names its folder. Nothing where it does not.
std::optional<std::filesystem::path> cifar_file() {
    const char* variable = std::getenv("LACUNA_CIFAR10");
    if (variable == nullptr || !std::filesystem::exists(std::filesystem::path(variable) / "test_batch.bin")) {
        return std::nullopt;
    }
    return std::filesystem::path(variable) / "test_batch.bin";
}

constexpr const char* main_model = "faster-cryptonets";

std::vector<std::string> shipped_models() {
    std::vector<std::string> names;
    const std::string suffix = ".lacuna.json";
    for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() / "nn" / "models")) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(suffix)) {
            names.push_back(name.substr(0, name.size() - suffix.size()));
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

Model load(const std::string& name) {
    return load_model(test::source_folder() / "nn" / "models" / (name + ".lacuna.json"));
}

/// Inputs of a size: the bytes of the test set's digits one after the other, over again where there are
/// fewer. Real digits for the models that take those.
std::vector<std::uint8_t> images(std::size_t first, std::size_t count, std::size_t size = 28 * 28) {
    const std::vector<std::uint8_t>& bytes = test::digits_source().digits.images.pixels;
    std::vector<std::uint8_t> result(count * size);
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] = bytes[(first * size + i) % bytes.size()];
    }
    return result;
}

/// The first records of a file of CIFAR-10: a label byte and 3 x 32 x 32 pixels each.
struct CifarRecords {
    std::vector<std::uint8_t> pixels;
    std::vector<std::uint8_t> labels;
};

CifarRecords read_records(const std::filesystem::path& file, std::size_t count) {
    std::ifstream stream(file, std::ios::binary);
    CifarRecords records;
    std::vector<char> record(1 + 3 * 32 * 32);
    while (records.labels.size() < count &&
           stream.read(record.data(), static_cast<std::streamsize>(record.size()))) {
        records.labels.push_back(static_cast<std::uint8_t>(record.front()));
        records.pixels.insert(records.pixels.end(), record.begin() + 1, record.end());
    }
    return records;
}

int count_equal(std::span<const std::size_t> answers, std::span<const std::uint8_t> labels) {
    int equal = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        equal += answers[i] == labels[i] ? 1 : 0;
    }
    return equal;
}

/// A model's first maps alone: `maps` rows of every convolution, and of every layer after one the columns of
/// those. Weights, strides and shapes are the shipped ones, the diagonals a few of them.
Model first_maps(const Model& model, std::size_t maps) {
    Model part = model;
    const std::vector<Shape> shapes = model.shapes();
    bool narrowed = false;  // whether the layer's input has its first maps alone
    for (std::size_t l = 0; l < part.layers.size(); ++l) {
        WeightMatrix* weights = nullptr;
        std::size_t of_map = 1;  // columns of one map
        if (auto* convolution = std::get_if<Convolution>(&part.layers[l].kind)) {
            weights = &convolution->weights;
            of_map = convolution->kernel.vertical * convolution->kernel.horizontal;
            weights->rows.resize(maps);
            convolution->bias.resize(maps);
        } else if (auto* dense = std::get_if<Dense>(&part.layers[l].kind)) {
            weights = &dense->weights;
            // What was flattened before: the last tensor with an extent.
            std::size_t image = l;
            while (shapes[image].height * shapes[image].width == 1) {
                --image;
            }
            of_map = shapes[image].height * shapes[image].width;
        }
        if (weights != nullptr && narrowed) {
            weights->columns = maps * of_map;
            for (auto& row : weights->rows) {
                std::erase_if(row, [&](const WeightTerm& term) { return term.column >= weights->columns; });
            }
        }
        narrowed = narrowed || std::holds_alternative<Convolution>(part.layers[l].kind);
    }
    return part;
}

class ShippedModel : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Models, ShippedModel, ::testing::ValuesIn(shipped_models()), [](const auto& info) {
    std::string name = info.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
});

TEST_P(ShippedModel, ClassifiesAsManyImagesAsItClaims) {
    const Model model = load(GetParam());
    EXPECT_EQ(model.name, GetParam());
    const Claim& claim = claim_of(GetParam());
    if (claim.data == Data::messidor) {
        GTEST_SKIP() << "judged by cross-validation (tools/train/messidor.py)";
    }
    if (claim.data == Data::cifar10) {
        ASSERT_EQ(model.input_shape, (Shape{3, 32, 32}));
        const std::optional<std::filesystem::path> file = cifar_file();
        if (!file) {
            GTEST_SKIP() << "no CIFAR-10 here: set LACUNA_CIFAR10 to the folder of test_batch.bin";
        }
        const CifarRecords records = read_records(*file, claim.images);
        EXPECT_EQ(count_equal(Reference(model).batch_classify(records.pixels, 2), records.labels),
                  claim.correct);
        return;
    }
    ASSERT_EQ(model.input_shape, (Shape{1, 28, 28}));
    ASSERT_EQ(model.classes(), 10U);
    const bool fashion = claim.data == Data::fashion_mnist;
    const std::optional<std::filesystem::path> folder = fashion ? fashion_folder() : std::nullopt;
    if (fashion && !folder) {
        GTEST_SKIP() << "no Fashion-MNIST here: set LACUNA_FASHION_MNIST to the folder of its files";
    }
    const LabelledImages labelled = fashion ? read_digits(*folder) : test::digits_source().digits;
    const std::size_t count = std::min(claim.images, labelled.images.count);
    const std::span<const std::uint8_t> pixels(labelled.images.pixels);
    const std::vector<std::size_t> answers =
        Reference(model).batch_classify(pixels.first(count * model.input_shape.size()), 2);
    const int correct = count_equal(answers, labelled.labels);
    if (fashion || test::digits_source().is_mnist) {
        ASSERT_EQ(labelled.images.count, 10000U);
        EXPECT_EQ(correct, claim.correct);
    } else {
        EXPECT_GT(correct, static_cast<int>(answers.size()) / 2);
    }
}

/// The columns of he/rlwe/security.md, to the bit.
TEST_P(ShippedModel, StaysWithinTheSecurityTable) {
    const Model model = load(GetParam());
    PlanRequest flooded = request_of(Packing::slots);
    flooded.batch = 8192;
    flooded.privacy_bits = 40;
    PlanRequest open = flooded;
    open.privacy_bits = 0;
    PlanRequest radix = request_of(Packing::radix);
    radix.plain_kind = PlainKind::any;
    PlanRequest hundred = radix;
    hundred.packing = Packing::slots;
    hundred.batch = 100;
    std::vector<PlanRequest> requests = {flooded, open};
    if (claim_of(GetParam()).maps == 0) {
        requests.insert(requests.end(), {radix, hundred});
    }
    for (const PlanRequest& request : requests) {
        const Parameters parameters = make_plan(model, request).client.parameters;
        EXPECT_FALSE(parameters.allow_insecure);
        mpz_class qp = 1;
        for (const auto* primes : {&parameters.data_primes, &parameters.special_primes}) {
            for (const std::uint64_t prime : *primes) {
                qp *= mpz_class(static_cast<unsigned long>(prime));
            }
        }
        EXPECT_LE(qp, mpz_class(1) << max_log_qp(parameters.n, 128));
    }
}

TEST_P(ShippedModel, HasAPlanThatHoldsItsRange) {
    const Model model = load(GetParam());
    const Claim& claim = claim_of(GetParam());
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        if (packing == Packing::radix && claim.maps != 0) {
            continue;
        }
        const Plan plan = make_plan(model, request_of(packing));
        mpz_class product = 1;
        for (const std::uint64_t t : plan.client.parameters.plain_moduli) {
            product *= mpz_class(static_cast<unsigned long>(t));
        }
        EXPECT_GT(product, 2 * plan.range + 1);
        EXPECT_LE(plan.log_qp(), max_log_qp(plan.client.parameters.n, 128));
        EXPECT_GT(plan.reply_budget_bits, 0);
        EXPECT_GT(plan.output_budget_bits, 0);
        EXPECT_LE(plan.operations.total().total(), claim.operations);
        std::cout << GetParam() << ", " << packing_name(packing) << ": n = " << plan.client.parameters.n
                  << ", " << plan.moduli() << " moduli, log2(Q) = " << plan.log_q()
                  << ", log2(QP) = " << plan.log_qp() << ", budget " << plan.output_budget_bits
                  << " at the output, " << plan.reply_budget_bits << " at the reply, "
                  << plan.operations.total().total() << " operations, " << plan.cost() * 1e-9
                  << " nominal seconds\n";
    }
}

/// Kernels find the same words (tests/ntt), so many images need only go through the fastest.
bool kernel_is_fastest() {
    const auto fastest = std::find_if(all_kernels().begin(), all_kernels().end(),
                                      [](const Kernels* kernels) { return kernels->supported(); });
    return *fastest == &active_kernels();
}

/// One image through a model that is made for that; else every model that takes less than a minute on one
/// thread of the machine that the costs were measured on (in the slots under the fastest kernel; else what
/// takes seconds); the main one has tests of its own below.
TEST_P(ShippedModel, EqualsItsReferenceUnderEncryption) {
    if (GetParam() == main_model) {
        return;
    }
    const Claim& claim = claim_of(GetParam());
    const Model model = claim.maps == 0 ? load(GetParam()) : first_maps(load(GetParam()), claim.maps);
    if (claim.packed) {
        const Inference inference(model, request_of(Packing::packed));
        NoiseWatch watch(inference.client, 3);
        inference.expect_exact(images(0, 1, model.input_shape.size()), std::ref(watch));
        std::cout << watch.text();
        return;
    }
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        const Plan plan = make_plan(model, request_of(packing));
        const double seconds = packing == Packing::slots && kernel_is_fastest() ? 60 : 5;
        if (plan.cost() * 1e-9 > seconds) {
            continue;
        }
        const Inference inference(model, plan);
        VarianceWatch variance(inference.client);
        inference.expect_exact(images(0, packing == Packing::slots ? 50 : 1, model.input_shape.size()),
                               std::ref(variance));
        std::cout << GetParam() << ", " << packing_name(packing)
                  << ": bits from the noise's deviation to its bound: " << variance.least
                  << " at the closest step, " << variance.last << " at the reply\n";
    }
}

// ---- real digits through the main model

TEST(RealDigits, OneByOneInRadix) {
    const Model model = load(main_model);
    const Inference inference(model, request_of(Packing::radix));
    for (std::size_t i = 0; i < (kernel_is_fastest() ? 5 : 1); ++i) {
        if (i == 0) {
            NoiseWatch watch(inference.client, 3);
            inference.expect_exact(images(i, 1), std::ref(watch));
            std::cout << watch.text();
        } else {
            inference.expect_exact(images(i, 1));
        }
    }
}

/// Modulo binomials: one image modulo x - 2, flooded and not, and a hundred in as many slots as they need.
TEST(RealDigits, ModuloBinomials) {
    const Model model = load(main_model);
    for (const int privacy_bits : {0, 40}) {
        for (const Packing packing : {Packing::radix, Packing::slots}) {
            PlanRequest request = request_of(packing);
            request.plain_kind = PlainKind::binomial;
            request.privacy_bits = privacy_bits;
            request.batch = packing == Packing::radix ? 1 : 100;
            if (privacy_bits > 0 && !kernel_is_fastest()) {
                continue;
            }
            const Inference inference(model, request);
            NoiseWatch watch(inference.client, 3);
            inference.expect_exact(images(0, request.batch), std::ref(watch));
            std::cout << packing_name(packing) << ", " << privacy_bits << " bits of privacy\n"
                      << watch.text();
        }
    }
}

TEST(RealDigits, AFullBatchInTheSlots) {
    const Model model = load(main_model);
    const Inference inference(model, request_of(Packing::slots));
    NoiseWatch watch(inference.client, 3);
    VarianceWatch variance(inference.client);
    inference.expect_exact(images(0, inference.plan.client.batch),
                           [&](const PlanStep& step, const std::vector<Ciphertext>& values) {
                               watch(step, values);
                               variance(step, values);
                           });
    std::cout << watch.text() << "bits from the noise's deviation to its bound: " << variance.least
              << " at the closest step, " << variance.last << " at the reply\n";
}

// ---- what the training scripts have exported

/// Runs where LACUNA_TRAINED names a folder with model.lacuna.json and the logits.json that
/// `tools/train/evaluate.py --logits` wrote for it (tools/check sets it).
TEST(TrainedModel, HasTheLogitsThatTheTrainingScriptsComputed) {
    const char* folder = std::getenv("LACUNA_TRAINED");
    if (folder == nullptr || *folder == '\0') {
        GTEST_SKIP() << "LACUNA_TRAINED is not set";
    }
    const Reference reference(load_model(std::filesystem::path(folder) / "model.lacuna.json"));
    std::ifstream file(std::filesystem::path(folder) / "logits.json");
    const nlohmann::json expected = nlohmann::json::parse(file);
    const auto pictures = expected.at("images").get<std::vector<std::vector<std::uint8_t>>>();
    const auto logits = expected.at("logits").get<std::vector<std::vector<std::string>>>();
    ASSERT_FALSE(pictures.empty());
    ASSERT_EQ(pictures.size(), logits.size());
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        std::vector<std::string> found;
        for (const mpz_class& logit : reference.logits(pictures[i])) {
            found.push_back(logit.get_str());
        }
        EXPECT_EQ(found, logits[i]) << "image " << i;
    }
}

}  // namespace
}  // namespace lacuna::testing
