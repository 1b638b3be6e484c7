// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/model.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <stop_token>

#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

const std::string example = R"({
  "format": "lacuna-model",
  "version": 1,
  "name": "example",
  "description": "one sentence \u00e9",
  "provenance": {"command": "train", "more": {"list": [1, 2.5, null]}},
  "input": {"shape": [1, 5, 5], "thresholds": [64, 128, 192]},
  "layers": [
    {"type": "convolution", "name": "conv1", "kernel": [3, 3], "stride": [2, 2], "padding": [1, 1],
      "weights": {"rows": 2, "columns": 9, "terms": [[[0, 1], [7, -4]], []]}, "bias": [0, 3]},
    {"type": "activation", "name": "act1", "coefficients": [2, 4, 1]},
    {"type": "sum_pool", "name": "pool1", "window": [2, 2], "stride": [1, 1], "padding": [0, 0]},
    {"type": "flatten", "name": "flatten"},
    {"type": "dense", "name": "fc1",
      "weights": {"rows": 2, "columns": 8, "values": [[1, 0, -8, 0, 0, 0, 0, 1073741824], [0, 2, 0, 0, 0, 0, 0, 0]]},
      "bias": [0, "123456789012345678901234567890"]}
  ],
  "output": {"scale": 0.25}
})";

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// The error of the example with one piece of its text exchanged.
std::string error_with(const std::string& piece, const std::string& replacement) {
    std::string text = example;
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    text.replace(at, piece.size(), replacement);
    return error_of([&] { (void)parse_model(text, "file.json"); });
}

void expect_starts(const std::string& text, const std::string& start) {
    EXPECT_EQ(text.substr(0, start.size()), start);
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Model, ParsesTheExample) {
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

TEST(Model, QuantisesPixels) {
    const Model model = parse_model(example, "file.json");
    const std::map<int, int> levels{{0, 0},   {63, 0},  {64, 1},  {127, 1},
                                    {128, 2}, {191, 2}, {192, 3}, {255, 3}};
    for (const auto& [pixel, level] : levels) {
        EXPECT_EQ(model.quantise(static_cast<std::uint8_t>(pixel)), level);
    }
    EXPECT_EQ(model.input_maximum(), 3);
}

TEST(Model, FormatIsStableAndLossless) {
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

TEST(Model, OptionalFieldsMayBeAbsent) {
    const std::string least = R"({"format": "lacuna-model", "version": 1, "name": "a",
        "input": {"shape": [1, 1, 1], "thresholds": [128]}, "layers": [{"type": "flatten", "name": "f"}]})";
    const Model model = parse_model(least, "least");
    EXPECT_EQ(model.provenance, "{}");
    EXPECT_DOUBLE_EQ(model.output_scale, 1.0);
    EXPECT_EQ(format_model(parse_model(format_model(model), "again")), format_model(model));
}

TEST(Model, ErrorsNameThePlace) {
    expect_starts(error_with("lacuna-model", "other"),
                  "file.json: expected a model: an object whose format is");
    expect_starts(error_with("\"version\": 1", "\"version\": 2"), "file.json: version: expected 1, found 2;");
    expect_starts(error_with("\"version\": 1,", ""), "file.json: version: expected 1, found none;");
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

TEST(Model, SurvivesHostileText) {
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

TEST(Model, RefusesNetworksThatGrowOutOfBounds) {
    Model model;
    model.name = "grow";
    model.input_shape = {1, 1, 1};
    model.thresholds = {128};
    model.layers.push_back({"pool", SumPool{{4096, 4096}, {1, 1}, {4095, 4095}}});
    EXPECT_NE(error_of([&] { validate(model, "m"); }).find("at most 1048576 elements"), std::string::npos);
    model.input_shape = {1, 1000, 1000};
    model.layers[0].kind = SumPool{{999, 999}, {1, 1}, {499, 499}};
    EXPECT_NE(error_of([&] { validate(model, "m"); }).find("67108864 terms"), std::string::npos);
    EXPECT_NE(error_of([&] { (void)linear_map(model.layers[0], model.input_shape); }).find("67108864 terms"),
              std::string::npos);
}

/// Five million objects in 16 MB: refused for what they say, in the time that reading them takes.
TEST(Model, ManyObjectsAreReadInLinearTime) {
    std::string text = R"({"layers":[)";
    while (text.size() < std::size_t{16} << 20) {
        text += "{},";
    }
    text += "{}]}";
    expect_starts(error_of([&] { (void)parse_model(text, "file.json"); }),
                  "file.json: expected a model: an object whose format is");
}

TEST(Model, ReadingStopsWhenAsked) {
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

TEST(Model, RefusesNulAndWhateverFollows) {
    using namespace std::string_literals;
    for (const std::string& more : {"\0"s, "\0{}"s, "\0garbage"s, "x"s, "{}"s, "\n[]"s}) {
        EXPECT_NE(error_of([&] { (void)parse_model(example + more, "file.json"); }).find("expected JSON"),
                  std::string::npos);
    }
    EXPECT_NO_THROW((void)parse_model(example + " \r\n\t", "file.json"));
    expect_starts(error_with("\"version\": 1", "\"version\": 1.0"),
                  "file.json: version: expected 1, found 1.0;");
    expect_starts(error_with("\"version\": 1", "\"version\": true"), "file.json: version: expected 1");
}

TEST(Model, ValidateChecksModelsBuiltInMemory) {
    const Model good = parse_model(example, "file.json");
    const auto broken = [&](const std::string& expected, const std::function<void(Model&)>& change) {
        Model model = good;
        change(model);
        EXPECT_NE(error_of([&] { validate(model, "memory"); }).find(expected), std::string::npos)
            << error_of([&] { validate(model, "memory"); });
        EXPECT_NE(error_of([&] { (void)format_model(model); }), "no error");
    };
    broken("layers: expected 1 to 64", [](Model& m) { m.layers.clear(); });
    broken("output.scale", [](Model& m) { m.output_scale = std::numeric_limits<double>::infinity(); });
    broken("stride[0]: expected",
           [](Model& m) { std::get<Convolution>(m.layers[0].kind).stride.vertical = 0; });
    broken("layers[0].weights.terms[0][1]: expected a column above",
           [](Model& m) { std::get<Convolution>(m.layers[0].kind).weights.rows[0][1].column = 0; });
    broken("layers[0].weights.terms[0][0]: expected a column below",
           [](Model& m) { std::get<Convolution>(m.layers[0].kind).weights.rows[0][0].column = 99; });
    broken("layers[4].weights.terms[0][1]: expected a weight",
           [](Model& m) { std::get<Dense>(m.layers[4].kind).weights.rows[0][1].weight = 0; });
    broken("layers[4].bias[0]: expected at most 100 decimal digits", [](Model& m) {
        std::get<Dense>(m.layers[4].kind).bias[0] = mpz_class("1" + std::string(100, '0'));
    });
    broken("layers[1].coefficients",
           [](Model& m) { std::get<Activation>(m.layers[1].kind).coefficients.clear(); });
    Model model = good;
    model.provenance = "{";
    EXPECT_NE(error_of([&] { (void)format_model(model); }).find("provenance"), std::string::npos);
    model = good;
    model.description = "\xff";
    EXPECT_NE(error_of([&] { (void)format_model(model); }).find("description"), std::string::npos);
}

TEST(Model, LinearMapLeavesPaddingOut) {
    // A 3 x 3 kernel 1 ... 9 on a 2 x 3 image with padding 1, stride 2 across.
    WeightMatrix kernel{9, {{}}};
    for (std::uint32_t c = 0; c < 9; ++c) {
        kernel.rows[0].push_back({c, c + 1});
    }
    const Layer layer{"conv", Convolution{{3, 3}, {1, 2}, {1, 1}, kernel, {7}}};
    const LinearMap map = linear_map(layer, {1, 2, 3});
    ASSERT_EQ(map.weights.rows.size(), 4U);
    EXPECT_EQ(map.weights.columns, 6U);
    EXPECT_EQ(map.weights.rows[0], (std::vector<WeightTerm>{{0, 5}, {1, 6}, {3, 8}, {4, 9}}));
    EXPECT_EQ(map.weights.rows[1], (std::vector<WeightTerm>{{1, 4}, {2, 5}, {4, 7}, {5, 8}}));
    EXPECT_EQ(map.weights.rows[2], (std::vector<WeightTerm>{{0, 2}, {1, 3}, {3, 5}, {4, 6}}));
    EXPECT_EQ(map.bias, (std::vector<mpz_class>{7, 7, 7, 7}));
    EXPECT_THROW((void)linear_map({"f", Flatten{}}, {1, 2, 3}), Error);
    EXPECT_THROW((void)linear_map({"a", Activation{{0, 1}}}, {1, 2, 3}), Error);
    EXPECT_THROW((void)linear_map(layer, {2, 2, 3}), Error);
    EXPECT_THROW((void)linear_map(layer, {0, 2, 3}), Error);
}

TEST(Model, SavesAndLoadsFiles) {
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

}  // namespace
}  // namespace lacuna
