// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/model_size.h>

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <functional>
#include <random>

#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/ntt/error.h>
#include "tests/support/places.h"
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

void expect_refused(const Model& model, const std::vector<std::string>& parts) {
    // Where it is read and where it is planned, with one error.
    const std::string error = error_of([&] { validate(model, "m"); });
    for (const std::string& part : parts) {
        EXPECT_NE(error.find(part), std::string::npos) << part << " in: " << error;
    }
    EXPECT_LT(error.size(), 300U);
    EXPECT_NE(error_of([&] { (void)make_plan(model, {}); }).find(parts.front()), std::string::npos);
}

Model empty(const Shape& shape) {
    Model model;
    model.name = "m";
    model.input_shape = shape;
    model.thresholds = {128};
    return model;
}

void add(Model& model, decltype(Layer::kind) kind) {
    model.layers.push_back({"layer" + std::to_string(model.layers.size()), std::move(kind)});
}

Convolution full_convolution(std::size_t inputs, std::size_t outputs) {
    Convolution layer{{3, 3}, {1, 1}, {1, 1}, {inputs * 9, {}}, {}};
    for (std::size_t o = 0; o < outputs; ++o) {
        auto& row = layer.weights.rows.emplace_back();
        for (std::uint32_t c = 0; c < inputs * 9; ++c) {
            row.push_back({c, 1 + static_cast<std::int64_t>((o + c) % 4)});
        }
        layer.bias.emplace_back(static_cast<unsigned long>(o));
    }
    return layer;
}

SumPool pool(std::size_t window) {
    return {{window, window}, {window, window}, {0, 0}};
}

ModelSize size_of(const Model& model) {
    return check_size(model, model.shapes(), "m: ");
}

TEST(ModelSize, CountsWhatIsWrittenOut) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(1 + static_cast<int>(seed % 10), 1 + seed % 8);
        const std::vector<Shape> shapes = model.shapes();
        std::size_t terms = 0;
        std::size_t elements = shapes.front().size();
        for (std::size_t l = 0; l < model.layers.size(); ++l) {
            elements += shapes[l + 1].size();
            if (is_linear(model.layers[l])) {
                terms += linear_map(model.layers[l], shapes[l]).weights.nonzeros();
            }
        }
        const ModelSize size = size_of(model);
        EXPECT_GE(size.terms, terms) << seed;  // taps in the padding count
        EXPECT_GE(size.words, elements) << seed;
        EXPECT_GE(size.value_bits, mpz_sizeinbase(slot_ranges(model).largest_working().get_mpz_t(), 2))
            << seed;
    }
    Model pools = empty({3, 7, 9});
    add(pools, SumPool{{3, 4}, {2, 3}, {2, 1}});
    EXPECT_EQ(size_of(pools).terms, linear_map(pools.layers[0], pools.input_shape).weights.nonzeros());
}

TEST(ModelSize, ADigitSizeCoversTheRanges) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(1 + static_cast<int>(seed % 4), 1 + seed % 3);
        const std::vector<Shape> shapes = model.shapes();
        const DigitSize size = check_digit_size(model, shapes, "m: ");
        const RadixRanges ranges = radix_ranges(model);
        for (std::size_t l = 0; l < ranges.layers.size(); ++l) {
            EXPECT_GE(size.words,
                      static_cast<double>(shapes[l].size() * ranges.layers[l].coefficients.size()) *
                          (l == 0 ? 0 : 1))
                << seed << ' ' << l;
        }
    }
}

TEST(ModelSize, NonAdjacentFormsHaveAsManyDigitsAsCounted) {
    std::mt19937_64 random(5);
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t x = random() >> (34 + random() % 30);
        EXPECT_EQ(static_cast<std::size_t>(std::popcount(x ^ (3 * x))),
                  naf(mpz_class(static_cast<unsigned long>(x))).size());
    }
}

TEST(ModelSize, ShippedModelsAreFarBelowTheLimits) {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() / "nn/models")) {
        if (entry.path().string().ends_with(".lacuna.json")) {
            ++found;
            const Model model = load_model(entry.path());
            const ModelSize size = size_of(model);
            EXPECT_LE(size.words, ModelSizeLimits::words / 16) << entry.path();
            EXPECT_LE(size.terms, ModelSizeLimits::terms / 16) << entry.path();
            EXPECT_LE(size.value_bits, ModelSizeLimits::value_bits / 4) << entry.path();
            EXPECT_LE(size.range_steps, ModelSizeLimits::range_steps / 16) << entry.path();
            const DigitSize digits = check_digit_size(model, model.shapes(), "");
            EXPECT_LE(digits.words, ModelSizeLimits::digit_words / 2) << entry.path();
            EXPECT_LE(digits.steps, ModelSizeLimits::digit_steps / 2) << entry.path();
        }
    }
    EXPECT_GE(found, 7U);
}

/// Images of 3 x 32 x 32 and three convolutions over them with 64 channels: 77 million terms; then more, to
/// 10^8.
TEST(ModelSize, NetworksForCifarFit) {
    Model model = empty({3, 32, 32});
    model.thresholds = {32, 64, 96, 128, 160, 192, 224};
    std::size_t channels = 3;
    for (int i = 0; i < 3; ++i) {
        add(model, full_convolution(channels, 64));
        add(model, Activation{{0, 0, 1}});
        channels = 64;
    }
    add(model, pool(2));
    add(model, full_convolution(64, 128));
    add(model, Activation{{1, 4, 1}});
    add(model, pool(16));
    add(model, Flatten{});
    Dense logits{{128, {}}, std::vector<mpz_class>(10)};
    for (std::uint32_t o = 0; o < 10; ++o) {
        logits.weights.rows.push_back({{o, 1}, {o + 10, -3}});
    }
    add(model, std::move(logits));
    EXPECT_NO_THROW(validate(model, "m"));
    const ModelSize size = size_of(model);
    EXPECT_GT(size.terms, 90'000'000U);
    EXPECT_LT(size.terms, 110'000'000U);
    EXPECT_EQ(parse_model(format_model(model), "m").layers.size(), model.layers.size());
}

TEST(ModelSize, RefusalsNameTheLayerAndTheLimit) {
    // 6 kB that cost a planner 6.5 GB.
    Model model = empty({1, 1024, 1024});
    for (int i = 0; i < 64; ++i) {
        add(model, pool(1));
    }
    expect_refused(model, {"layers[3] 'layer3'", "at most 4194304 words", "found 5242880"});

    // A layer alone.
    model = empty({1, 1000, 1000});
    add(model, SumPool{{999, 999}, {1, 1}, {499, 499}});
    expect_refused(model, {"layers[0] 'layer0'", "at most 67108864 terms in a linear layer"});

    // All layers together.
    model = empty({64, 32, 32});
    for (int i = 0; i < 4; ++i) {
        add(model, full_convolution(64, 64));
    }
    expect_refused(model, {"layers[3] 'layer3'", "at most 134217728 terms in all linear layers"});

    // Coefficients of 100 digits.
    const mpz_class large(std::string(100, '9'));
    model = empty({1, 1, 1});
    for (int i = 0; i < 4; ++i) {
        add(model, Activation{{large, -large, large, -large, large, -large, large, -large, large}});
    }
    expect_refused(model, {"layers[1] 'layer1'", "at most 1024 bits", "found 3016"});

    // Many elements and a high degree.
    model = empty({1, 512, 512});
    model.thresholds.clear();
    for (int t = 1; t < 256; ++t) {
        model.thresholds.push_back(t);
    }
    add(model, Activation{{0, 0, 0, 0, 0, 0, 0, 0, 1}});
    add(model, Activation{{0, 0, 0, 0, 0, 0, 0, 0, 1}});
    expect_refused(model, {"layers[1] 'layer1'", "multiplications to find the ranges"});
}

TEST(ModelSize, RadixLeavesLargeModelsToTheSlots) {
    // Squares of a million elements are quick in slots; their digit polynomials would fill the memory.
    Model model = empty({1, 1024, 512});
    model.thresholds = {32, 64, 96, 128, 160, 192, 224};
    add(model, Activation{{0, 0, 1}});
    add(model, Activation{{0, 0, 1}});
    EXPECT_NO_THROW(validate(model, "m"));
    const std::string error = error_of([&] { (void)radix_ranges(model); });
    EXPECT_NE(error.find("layers[1] 'layer1'"), std::string::npos) << error;
    EXPECT_NE(error.find("4194304 coefficients of digit polynomials"), std::string::npos) << error;

    model = empty({1, 1, 4});
    add(model, Activation{{0, 0, 0, 0, 0, 0, 0, 0, 1}});
    model.layers.back().kind = Activation{{0, 0, 0, 0, 0, 0, 0, 0, mpz_class(1) << 300}};
    EXPECT_NO_THROW((void)radix_ranges(model));
}

}  // namespace
}  // namespace lacuna
