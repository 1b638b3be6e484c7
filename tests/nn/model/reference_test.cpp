// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/reference.h>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/digits_source.h"
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

using Tensor = std::vector<mpz_class>;

mpz_class dense_weight(const WeightMatrix& weights, std::size_t row, std::size_t column) {
    for (const WeightTerm& term : weights.rows[row]) {
        if (term.column == column) {
            return mpz_class(static_cast<long>(term.weight));
        }
    }
    return 0;
}

/// Element of a zero-padded tensor; coordinates count from the padded corner.
mpz_class padded(const Tensor& x, const Shape& shape, const Extent& padding, std::size_t c, std::size_t y,
                 std::size_t column) {
    if (y < padding.vertical || column < padding.horizontal || y - padding.vertical >= shape.height ||
        column - padding.horizontal >= shape.width) {
        return 0;
    }
    return x[(c * shape.height + y - padding.vertical) * shape.width + column - padding.horizontal];
}

/// An evaluation written straight from nn/model/model_format.md, sharing no code with the library's.
Tensor naive(const Model& model, const std::vector<std::uint8_t>& pixels) {
    Tensor x;
    for (const int pixel : pixels) {
        int level = 0;
        for (const int threshold : model.thresholds) {
            level += threshold <= pixel ? 1 : 0;
        }
        x.emplace_back(level);
    }
    Shape shape = model.input_shape;
    for (const Layer& layer : model.layers) {
        Tensor next;
        if (const auto* conv = std::get_if<Convolution>(&layer.kind)) {
            const std::size_t height =
                (shape.height + 2 * conv->padding.vertical - conv->kernel.vertical) / conv->stride.vertical +
                1;
            const std::size_t width = (shape.width + 2 * conv->padding.horizontal - conv->kernel.horizontal) /
                                          conv->stride.horizontal +
                                      1;
            for (std::size_t o = 0; o < conv->weights.rows.size(); ++o) {
                for (std::size_t y = 0; y < height; ++y) {
                    for (std::size_t w = 0; w < width; ++w) {
                        mpz_class sum = conv->bias[o];
                        for (std::size_t c = 0; c < shape.channels; ++c) {
                            for (std::size_t i = 0; i < conv->kernel.vertical; ++i) {
                                for (std::size_t j = 0; j < conv->kernel.horizontal; ++j) {
                                    const std::size_t column =
                                        (c * conv->kernel.vertical + i) * conv->kernel.horizontal + j;
                                    sum += dense_weight(conv->weights, o, column) *
                                           padded(x, shape, conv->padding, c, y * conv->stride.vertical + i,
                                                  w * conv->stride.horizontal + j);
                                }
                            }
                        }
                        next.push_back(sum);
                    }
                }
            }
            shape = {conv->weights.rows.size(), height, width};
        } else if (const auto* dense = std::get_if<Dense>(&layer.kind)) {
            for (std::size_t o = 0; o < dense->weights.rows.size(); ++o) {
                mpz_class sum = dense->bias[o];
                for (std::size_t i = 0; i < x.size(); ++i) {
                    sum += dense_weight(dense->weights, o, i) * x[i];
                }
                next.push_back(sum);
            }
            shape = {next.size(), 1, 1};
        } else if (const auto* pool = std::get_if<SumPool>(&layer.kind)) {
            const std::size_t height =
                (shape.height + 2 * pool->padding.vertical - pool->window.vertical) / pool->stride.vertical +
                1;
            const std::size_t width = (shape.width + 2 * pool->padding.horizontal - pool->window.horizontal) /
                                          pool->stride.horizontal +
                                      1;
            for (std::size_t c = 0; c < shape.channels; ++c) {
                for (std::size_t y = 0; y < height; ++y) {
                    for (std::size_t w = 0; w < width; ++w) {
                        mpz_class sum;
                        for (std::size_t i = 0; i < pool->window.vertical; ++i) {
                            for (std::size_t j = 0; j < pool->window.horizontal; ++j) {
                                sum += padded(x, shape, pool->padding, c, y * pool->stride.vertical + i,
                                              w * pool->stride.horizontal + j);
                            }
                        }
                        next.push_back(sum);
                    }
                }
            }
            shape = {shape.channels, height, width};
        } else if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            for (const mpz_class& value : x) {
                mpz_class sum;
                mpz_class power = 1;
                for (const mpz_class& coefficient : activation->coefficients) {
                    sum += coefficient * power;
                    power *= value;
                }
                next.push_back(sum);
            }
        } else {
            next = x;
            shape = {x.size(), 1, 1};
        }
        x = next;
    }
    return x;
}

TEST(Reference, EqualsNaiveEvaluationAtEveryWidth) {
    bool seen[3] = {};
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(1 + static_cast<int>(seed % 12), 1 + seed % 5);
        const Reference reference(model);
        seen[static_cast<int>(reference.width())] = true;
        for (int image = 0; image < 4; ++image) {
            const auto pixels = random.pixels(reference.image_size());
            const Tensor expected = naive(model, pixels);
            EXPECT_EQ(reference.logits(pixels), expected) << "seed " << seed;
            EXPECT_EQ(reference.classify(pixels), argmax(expected));
            EXPECT_EQ(reference.trace(pixels).back(), expected);
            for (const IntegerWidth width : {IntegerWidth::bits_128, IntegerWidth::unbounded}) {
                if (width > reference.width()) {
                    EXPECT_EQ(Reference(model, width).logits(pixels), expected) << "seed " << seed;
                }
            }
        }
    }
    EXPECT_TRUE(seen[0] && seen[1] && seen[2]);
}

TEST(Reference, BatchEqualsSingleOnAnyNumberOfThreads) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(2 + 4 * static_cast<int>(seed % 3), 2 + seed % 3);
        const Reference reference(model);
        const std::size_t images = 37;
        const auto pixels = random.pixels(images * reference.image_size());
        const auto one = reference.batch_logits(pixels, 1);
        ASSERT_EQ(one.size(), images);
        EXPECT_EQ(reference.batch_logits(pixels, 3), one);
        const auto classes = reference.batch_classify(pixels, 2);
        for (std::size_t i = 0; i < images; ++i) {
            const auto image = std::span(pixels).subspan(i * reference.image_size(), reference.image_size());
            EXPECT_EQ(reference.logits(image), one[i]);
            EXPECT_EQ(classes[i], argmax(one[i]));
        }
        EXPECT_TRUE(reference.batch_logits({}, 2).empty());
    }
}

/// Values that grow, and shrink again, past every width: layers change it both ways.
TEST(Reference, EveryLayerHasAWidthOfItsOwn) {
    Model model;
    model.name = "steps";
    model.input_shape = {2, 1, 1};
    model.thresholds = {64, 128, 192};
    const auto dense = [](std::int64_t a, std::int64_t b, const mpz_class& bias) {
        return Dense{{2, {{{0, a}, {1, b}}, {{0, b}, {1, -a}}}}, {bias, -bias}};
    };
    const mpz_class far = mpz_class(1) << 200;
    model.layers = {{"fc1", dense(1 << 30, -7, 5)},        {"square1", Activation{{0, 0, 1}}},
                    {"fc2", dense(3, -(1 << 29), -1)},     {"square2", Activation{{1, -2, 1}}},
                    {"fc3", dense(-(1 << 30), 1, far)},    {"constant", Activation{{far, 0, -1}}},
                    {"fc4", Dense{{2, {{}, {}}}, {1, 2}}}, {"fc5", dense(2, 3, 4)}};
    const Reference reference(model);
    EXPECT_EQ(reference.width(), IntegerWidth::unbounded);
    const Reference plain(model, IntegerWidth::unbounded);
    std::vector<std::uint8_t> all;
    for (const int first : {0, 70, 255}) {
        for (const int second : {0, 130, 200}) {
            const std::vector<std::uint8_t> pixels = {static_cast<std::uint8_t>(first),
                                                      static_cast<std::uint8_t>(second)};
            EXPECT_EQ(reference.trace(pixels).back(), naive(model, pixels));
            EXPECT_EQ(reference.logits(pixels), plain.logits(pixels));
            all.insert(all.end(), pixels.begin(), pixels.end());
        }
    }
    EXPECT_EQ(reference.batch_logits(all, 1), plain.batch_logits(all, 1));
    // Without the layers that forget them, long values are the logits.
    model.layers.resize(6);
    EXPECT_EQ(Reference(model).batch_logits(all, 1),
              Reference(model, IntegerWidth::unbounded).batch_logits(all, 1));
    EXPECT_EQ(Reference(model).logits({all.data(), 2}), naive(model, {all[0], all[1]}));
}

TEST(Reference, ArgmaxTakesTheLowestIndexOnATie) {
    EXPECT_EQ(argmax(std::vector<mpz_class>{3, 7, 7, -1}), 1U);
    EXPECT_EQ(argmax(std::vector<mpz_class>{5, 5}), 0U);
    EXPECT_THROW((void)argmax({}), Error);
}

TEST(Reference, LargestValuesOfAWidthAreExact) {
    // A working bound of exactly 63 and of 64 bits, reached by a full image.
    for (const int bits : {62, 63, 64, 126, 127, 128}) {
        Model model;
        model.name = "edge";
        model.input_shape = {1, 1, 1};
        model.thresholds = {128};
        model.layers.push_back({"fc", Dense{{1, {{}}}, {(mpz_class(1) << bits) - 1}}});
        const Reference reference(model);
        const IntegerWidth expected = bits <= 63    ? IntegerWidth::bits_64
                                      : bits <= 127 ? IntegerWidth::bits_128
                                                    : IntegerWidth::unbounded;
        EXPECT_EQ(reference.width(), expected) << bits;
        const std::vector<std::uint8_t> pixel{255};
        EXPECT_EQ(reference.logits(pixel).front(), (mpz_class(1) << bits) - 1);
        std::get<Dense>(model.layers[0].kind).bias[0] *= -1;
        EXPECT_EQ(Reference(model).logits(pixel).front(), 1 - (mpz_class(1) << bits));
    }
}

TEST(Reference, RefusesWrongSizesThreadsAndWidths) {
    test::RandomModel random(1);
    const Model model = random.model(12, 5);
    const Reference reference(model);
    const auto pixels = random.pixels(reference.image_size() + 1);
    EXPECT_THROW((void)reference.logits(pixels), Error);
    EXPECT_THROW((void)reference.classify(pixels), Error);
    EXPECT_THROW((void)reference.trace(pixels), Error);
    EXPECT_THROW((void)reference.batch_logits(pixels, 1), Error);
    EXPECT_THROW((void)reference.batch_classify(std::span(pixels).first(reference.image_size()), 0), Error);
    EXPECT_THROW(Reference(model, IntegerWidth::bits_64), Error);
    Model broken = model;
    broken.layers[0].name = "Bad Name";
    EXPECT_THROW(Reference{broken}, Error);
}

TEST(Reference, EqualsNaiveEvaluationOnDigits) {
    const auto& source = test::digits_source();
    const IdxImages& images = source.digits.images;
    test::RandomModel random(5);
    Model model;
    model.name = "digits";
    model.input_shape = {1, images.rows, images.columns};
    model.thresholds = {64, 128, 192};
    model.layers.push_back(
        {"conv", Convolution{{5, 5}, {2, 2}, {1, 1}, random.weights(2, 25, 3), random.integers(2, 9)}});
    model.layers.push_back({"act", Activation{{2, 4, 1}}});
    model.layers.push_back({"flat", Flatten{}});
    model.layers.push_back({"fc", Dense{random.weights(10, 338, 4), random.integers(10, 99)}});
    const Reference reference(model);
    const auto all = reference.batch_logits(std::span(images.pixels).first(20 * images.image_size()), 2);
    for (std::size_t i = 0; i < 20; ++i) {
        const auto image = images.image(i);
        EXPECT_EQ(all[i], naive(model, {image.begin(), image.end()}));
    }
}

}  // namespace
}  // namespace lacuna
