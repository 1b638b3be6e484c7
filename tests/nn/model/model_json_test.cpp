// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/model.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include "tests/support/example_model.h"
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

/// The error of the example with one piece of its text exchanged.
std::string error_with(const std::string& piece, const std::string& replacement) {
    std::string text = example;
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    text.replace(at, piece.size(), replacement);
    return error_of([&] { (void)parse_model(text, "file.json"); });
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST(ModelJson, ParsesTheExample) {
    const Model model = parse_model(example, "file.json");
    EXPECT_EQ(model.name, "example");
    EXPECT_EQ(model.description, "one sentence \xc3\xa9");
    EXPECT_EQ(model.provenance, R"({"command":"train","more":{"list":[1,2.5,null]}})");
    EXPECT_EQ(model.input_shape, (Shape{1, 5, 5}));
    EXPECT_EQ(model.thresholds, (std::vector<int>{64, 128, 192}));
    EXPECT_DOUBLE_EQ(model.output_scale, 0.25);
    ASSERT_EQ(model.layers.size(), 5U);
    const auto& convolution = std::get<Convolution>(model.layers[0].kind);
    EXPECT_EQ(convolution.stride, (Extent{2, 2}));
    EXPECT_EQ(convolution.weights.rows[0], (std::vector<WeightTerm>{{0, 1}, {7, -4}}));
    EXPECT_EQ(convolution.weights.nonzeros(), 2U);
    const auto& dense = std::get<Dense>(model.layers[4].kind);
    EXPECT_EQ(dense.weights.rows[0], (std::vector<WeightTerm>{{0, 1}, {2, -8}, {7, 1073741824}}));
    EXPECT_EQ(dense.bias[1], mpz_class("123456789012345678901234567890"));
    EXPECT_EQ(std::get<Activation>(model.layers[1].kind).degree(), 2U);
    EXPECT_EQ(model.shapes(),
              (std::vector<Shape>{{1, 5, 5}, {2, 3, 3}, {2, 3, 3}, {2, 2, 2}, {8, 1, 1}, {2, 1, 1}}));
    EXPECT_EQ(model.classes(), 2U);
}

TEST(ModelJson, FormatIsStableAndLossless) {
    const Model model = parse_model(example, "file.json");
    const std::string text = format_model(model);
    EXPECT_EQ(format_model(parse_model(text, "again")), text);
    EXPECT_NE(text.find("\"bias\": [0, \"123456789012345678901234567890\"]"), std::string::npos) << text;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        test::RandomModel random(seed);
        Model made = random.model(1 + static_cast<int>(seed % 30), 1 + seed % 8);
        std::get<Dense>(made.layers.back().kind).bias[0] = (mpz_class(1) << 53) - static_cast<long>(seed % 3);
        made.output_scale = 1.0 / 3.0 + static_cast<double>(seed);
        const std::string once = format_model(made);
        const Model read = parse_model(once, "again");
        EXPECT_EQ(format_model(read), once);
        EXPECT_EQ(read.shapes(), made.shapes());
        EXPECT_EQ(read.output_scale, made.output_scale);
        for (std::size_t l = 0; l < made.layers.size(); ++l) {
            if (is_linear(made.layers[l])) {
                const LinearMap a = linear_map(made.layers[l], made.shapes()[l]);
                const LinearMap b = linear_map(read.layers[l], made.shapes()[l]);
                EXPECT_EQ(a.weights.rows, b.weights.rows);
                EXPECT_EQ(a.bias, b.bias);
            }
        }
    }
}

TEST(ModelJson, OptionalFieldsMayBeAbsent) {
    const std::string least = R"({"format": "lacuna-model", "version": 1, "name": "a",
        "input": {"shape": [1, 1, 1], "thresholds": [128]}, "layers": [{"type": "flatten", "name": "f"}]})";
    const Model model = parse_model(least, "least");
    EXPECT_EQ(model.provenance, "{}");
    EXPECT_DOUBLE_EQ(model.output_scale, 1.0);
    EXPECT_EQ(format_model(parse_model(format_model(model), "again")), format_model(model));
}

TEST(ModelJson, ErrorsNameThePlace) {
    expect_starts(error_with("lacuna-model", "other"),
                  "file.json: expected a model: an object whose format is");
    expect_starts(error_with("\"version\": 1", "\"version\": 3"),
                  "file.json: version: expected 1 or 2, found 3;");
    expect_starts(error_with("\"version\": 1,", ""), "file.json: version: expected 1 or 2, found none;");
    expect_starts(error_with("\"example\"", "\"Example\""), "file.json: name: expected only the characters");
    expect_starts(error_with("\"example\"", "\"\""), "file.json: name: expected 1 to 64 characters");
    expect_starts(error_with("\"example\"", "7"), "file.json: name: expected a string, found 7;");
    expect_starts(error_with("\"output\"", "\"outputs\""),
                  "file.json: expected only the fields format, version");
    expect_starts(error_with("[1, 5, 5]", "[1, 5]"),
                  "file.json: input.shape: expected an array of 3, found an array of 2");
    expect_starts(error_with("[1, 5, 5]", "[1, 5, 4097]"),
                  "file.json: input.shape[2]: expected an integer from 1 to 4096, found 4097");
    expect_starts(error_with("[1, 5, 5]", "[4096, 4096, 4096]"),
                  "file.json: input.shape: expected at most 1048576 elements");
    expect_starts(error_with("[64, 128, 192]", "[64, 64]"),
                  "file.json: input.thresholds[1]: expected an integer from 65 to 255, found 64");
    expect_starts(error_with("[64, 128, 192]", "[0]"),
                  "file.json: input.thresholds[0]: expected an integer from 1 to 255, found 0");
    expect_starts(error_with("[64, 128, 192]", "[]"),
                  "file.json: input.thresholds: expected 1 to 255 thresholds, found 0");
    expect_starts(error_with("0.25", "0"), "file.json: output.scale: expected a positive finite number");
    expect_starts(error_with("0.25", "\"1\""),
                  "file.json: output.scale: expected a positive number, found \"1\"");
    expect_starts(error_with("\"sum_pool\"", "\"max_pool\""),
                  "file.json: layers[2].type: expected convolution, dense");
    expect_starts(error_with("\"act1\"", "\"conv1\""),
                  "file.json: layers[1].name: expected a name no other layer has");
    expect_starts(error_with("\"bias\": [0, 3]", "\"bias\": [0]"),
                  "file.json: layers[0].bias: expected 2 integers, one per row");
    expect_starts(error_with(", \"bias\": [0, 3]", ""),
                  "file.json: layers[0]: expected a field 'bias', found none");
    expect_starts(error_with("\"bias\": [0, 3]", "\"bias\": [0, 3], \"extra\": 1"),
                  "file.json: layers[0]: expected only the fields type, name");
    expect_starts(error_with("\"kernel\": [3, 3]", "\"kernel\": [3, 0]"),
                  "file.json: layers[0].kernel[1]: expected an integer from 1 to 4096, found 0");
    expect_starts(error_with("\"kernel\": [3, 3]", "\"kernel\": [3, 8]"),
                  "file.json: layers[0].kernel[1]: expected at most the input's extent with padding, 7");
    expect_starts(error_with("\"padding\": [1, 1]", "\"padding\": [1, 3]"),
                  "file.json: layers[0].padding[1]: expected an integer from 0 to 2, found 3");
    expect_starts(error_with("\"padding\": [1, 1]", "\"padding\": [-1, 1]"),
                  "file.json: layers[0].padding[0]: expected an integer from 0 to 4096, found -1");
    expect_starts(error_with("\"columns\": 9", "\"columns\": 10"),
                  "file.json: layers[0].weights.columns: expected 9 to fit the layer's input, found 10");
    expect_starts(error_with("\"rows\": 2", "\"rows\": 3"),
                  "file.json: layers[0].weights.terms: expected an array of 3, found an array of 2");
    expect_starts(error_with("[7, -4]", "[9, -4]"),
                  "file.json: layers[0].weights.terms[0][1][0]: expected an integer from 1 to 8, found 9");
    expect_starts(error_with("[7, -4]", "[0, -4]"),
                  "file.json: layers[0].weights.terms[0][1][0]: expected an integer from 1 to 8, found 0");
    expect_starts(error_with("[7, -4]", "[8, -4], [8, 1]"),
                  "file.json: layers[0].weights.terms[0][2]: expected no term after column 8");
    expect_starts(error_with("[7, -4]", "[7, 0]"),
                  "file.json: layers[0].weights.terms[0][1][1]: expected a weight other than 0");
    expect_starts(error_with("[7, -4]", "[7, 1.5]"),
                  "file.json: layers[0].weights.terms[0][1][1]: expected an integer from");
    expect_starts(error_with("[7, -4]", "[7]"),
                  "file.json: layers[0].weights.terms[0][1]: expected an array of 2");
    expect_starts(
        error_with("1073741824", "1073741825"),
        "file.json: layers[4].weights.values[0][7]: expected an integer from -1073741824 to 1073741824");
    expect_starts(
        error_with("\"values\"", "\"terms\": [], \"values\""),
        "file.json: layers[4].weights: expected exactly one of the fields terms and values, found both");
    expect_starts(error_with("[2, 4, 1]", "[2]"),
                  "file.json: layers[1].coefficients: expected 2 to 9 coefficients, found 1");
    expect_starts(error_with("[2, 4, 1]", "[2, 4, 0]"),
                  "file.json: layers[1].coefficients: expected a last coefficient other than 0");
    expect_starts(error_with("[2, 4, 1]", "[2, 9007199254740993, 1]"),
                  "file.json: layers[1].coefficients[1]: expected an integer of at most 53 bits");
    expect_starts(error_with("[2, 4, 1]", "[2, \"+4\", 1]"),
                  "file.json: layers[1].coefficients[1]: expected an integer of at most 53 bits");
    expect_starts(error_with("[2, 4, 1]", "[2, \"" + std::string(101, '9') + "\", 1]"),
                  "file.json: layers[1].coefficients[1]: expected");
    expect_starts(error_with("{\"type\": \"flatten\", \"name\": \"flatten\"},", ""),
                  "file.json: layers[3]: expected a flattened input, found the shape 2 x 2 x 2");
}

TEST(ModelJson, SurvivesHostileText) {
    const auto refused = [](const std::string& text, const std::string& part) {
        const std::string message = error_of([&] { (void)parse_model(text, "bad"); });
        EXPECT_NE(message.find(part), std::string::npos) << message;
        EXPECT_LT(message.size(), 400U);
    };
    refused("", "expected JSON");
    refused("{", "expected JSON");
    refused(example + "x", "expected JSON");
    refused("\xff\xfe", "expected JSON");
    refused("{\"" + std::string(100000, 'k') + "\": }", "expected JSON");
    refused("[1e999]", "number overflow");
    refused(std::string(1000000, '['), "32 levels of nesting");
    refused("[]", "expected a model");
    refused("null", "expected a model");
    refused(R"({"format": {"a": []}})", "expected a model");
    EXPECT_NE(error_with("\"command\": \"train\"", "\"command\": " + nested(100)).find("nesting"),
              std::string::npos);
    EXPECT_NE(error_with("\"command\": \"train\"", "\"a\": 1, \"a\": 2").find("every field once"),
              std::string::npos);
    for (const char* huge : {"99999999999999999999999", "18446744073709551615", "-9223372036854775808",
                             "1e300", "null", "\"2\"", "[]", "{}", "true"}) {
        for (const char* field : {"\"rows\": 2", "\"columns\": 9"}) {
            const std::string name = std::string(field).substr(0, std::string(field).find(':') + 2);
            expect_starts(error_with(field, name + huge), "file.json: layers[0].weights.");
        }
        expect_starts(error_with("\"stride\": [2, 2]", "\"stride\": [" + std::string(huge) + ", 2]"),
                      "file.json: layers[0].stride[0]:");
        expect_starts(error_with("[7, -4]", "[7, " + std::string(huge) + "]"),
                      "file.json: layers[0].weights.terms[0][1][1]:");
    }
    // Every prefix of a valid file, and every file with a byte changed, is either refused or valid.
    for (std::size_t i = 0; i < example.size(); ++i) {
        EXPECT_NE(error_of([&] { (void)parse_model(example.substr(0, i), "cut"); }), "no error");
        for (const char byte : {'\0', '9', '"', ']', '}', '\xff'}) {
            std::string text = example;
            text[i] = byte;
            (void)error_of([&] { (void)parse_model(text, "changed"); });
        }
    }
}

TEST(ModelJson, ReadingStopsWhenAsked) {
    std::stop_source stop;
    EXPECT_NO_THROW((void)parse_model(example, "file.json", stop.get_token()));
    stop.request_stop();
    std::string text = "[";
    for (int i = 0; i < 10'000; ++i) {
        text += "0,";
    }
    EXPECT_THROW((void)parse_model(text + "0]", "file.json", stop.get_token()), Stopped);
    EXPECT_THROW((void)load_model("/dev/zero", stop.get_token()), Stopped);
}

TEST(ModelJson, RefusesNulAndWhateverFollows) {
    using namespace std::string_literals;
    for (const std::string& more : {"\0"s, "\0{}"s, "\0garbage"s, "x"s, "{}"s, "\n[]"s}) {
        EXPECT_NE(error_of([&] { (void)parse_model(example + more, "file.json"); }).find("expected JSON"),
                  std::string::npos);
    }
    EXPECT_NO_THROW((void)parse_model(example + " \r\n\t", "file.json"));
    expect_starts(error_with("\"version\": 1", "\"version\": 1.0"),
                  "file.json: version: expected 1 or 2, found 1.0;");
    expect_starts(error_with("\"version\": 1", "\"version\": true"), "file.json: version: expected 1");
}

TEST(ModelJson, SavesAndLoadsFiles) {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("lacuna-model-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    const std::filesystem::path file = folder / "a.lacuna.json";
    const Model model = parse_model(example, "file.json");
    save_model(model, file);
    EXPECT_EQ(format_model(load_model(file)), format_model(model));
    Model other = model;
    other.description = "other";
    save_model(other, file);
    EXPECT_EQ(load_model(file).description, "other");
    other.name = "Not Valid";
    EXPECT_THROW(save_model(other, file), Error);
    EXPECT_EQ(load_model(file).description, "other");
    std::size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
        ++entries;
    }
    EXPECT_EQ(entries, 1U);

    expect_starts(error_of([&] { save_model(model, folder / "absent" / "b.json"); }),
                  (folder / "absent" / "b.json").string());
    expect_starts(error_of([&] { (void)load_model(folder / "none"); }),
                  (folder / "none").string() + ": cannot open");
    expect_starts(error_of([&] { (void)load_model(folder); }), folder.string() + ": cannot read");
    std::ofstream(folder / "large").close();
    std::filesystem::resize_file(folder / "large", ModelLimits::file_bytes + 1);  // sparse: takes no room
    expect_starts(error_of([&] { (void)load_model(folder / "large"); }),
                  (folder / "large").string() + ": expected at most 67108864 bytes, found 67108865");
    std::filesystem::remove_all(folder);
}

/// Five million objects in 16 MB: refused for what they say, in the time that reading them takes.
TEST(ModelJson, ManyObjectsAreReadInLinearTime) {
    std::string text = R"({"layers":[)";
    while (text.size() < std::size_t{16} << 20) {
        text += "{},";
    }
    text += "{}]}";
    expect_starts(error_of([&] { (void)parse_model(text, "file.json"); }),
                  "file.json: expected a model: an object whose format is");
}

}  // namespace
}  // namespace lacuna
