// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/operations.h>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>

namespace lacuna {
namespace {

Model activation_model(std::vector<mpz_class> coefficients) {
    Model model;
    model.name = "activation";
    model.input_shape = {1, 2, 5};
    model.thresholds = {128};
    model.layers.push_back({"act", Activation{std::move(coefficients)}});
    return model;
}

OperationCounts activation_counts(std::vector<mpz_class> coefficients) {
    return count_operations(activation_model(std::move(coefficients))).total();
}

TEST(Operations, DenseLayer) {
    Model model;
    model.name = "dense";
    model.input_shape = {4, 1, 1};
    model.thresholds = {128};
    model.layers.push_back({"fc", Dense{{4, {{{0, 1}, {1, -1}, {3, 8}}, {{2, 5}}, {}}}, {7, 0, -1}}});
    const ModelOperations operations = count_operations(model);
    ASSERT_EQ(operations.layers.size(), 1U);
    EXPECT_EQ(operations.layers[0].name, "fc");
    EXPECT_EQ(operations.layers[0].counts, (OperationCounts{2, 2, 4, 0}));
    EXPECT_EQ(operations.total().total(), 8U);
}

TEST(Operations, PaddingTapsAreLeftOut) {
    // 3 x 3 ones on 3 x 3 with padding 1: corners see 4 taps, edges 6, the centre 9.
    Model model;
    model.name = "padding";
    model.input_shape = {1, 3, 3};
    model.thresholds = {128};
    std::vector<WeightTerm> ones;
    for (std::uint32_t c = 0; c < 9; ++c) {
        ones.push_back({c, 1});
    }
    model.layers.push_back({"conv", Convolution{{3, 3}, {1, 1}, {1, 1}, {9, {ones}}, {3}}});
    const std::uint64_t taps = 4 * 4 + 4 * 6 + 9;
    EXPECT_EQ(count_operations(model).total(), (OperationCounts{9, taps - 9, taps, 0}));
    model.layers[0].kind = SumPool{{3, 3}, {1, 1}, {1, 1}};
    EXPECT_EQ(count_operations(model).total(), (OperationCounts{0, taps - 9, 0, 0}));
}

TEST(Operations, Activations) {
    EXPECT_EQ(activation_counts({0, 0, 1}), (OperationCounts{0, 0, 0, 10}));     // x^2
    EXPECT_EQ(activation_counts({2, 4, 1}), (OperationCounts{10, 10, 10, 10}));  // x^2 + 4x + 2
    EXPECT_EQ(activation_counts({2, 1, 3}), (OperationCounts{10, 10, 20, 10}));
    EXPECT_EQ(activation_counts({5, 2}), (OperationCounts{10, 0, 10, 0}));
    EXPECT_EQ(activation_counts({0, 0, 0, 1}), (OperationCounts{0, 0, 0, 20}));  // x * x^2
    EXPECT_EQ(activation_counts({0, 0, 0, 0, 1}), (OperationCounts{0, 0, 0, 20}));
    // x^7 = x^3 x^4, x^4 = x^2 x^2, x^3 = x x^2, x^2: four products.
    EXPECT_EQ(activation_counts({0, 0, 0, 0, 0, 0, 0, 2}), (OperationCounts{0, 0, 10, 40}));
    // All powers to x^8: seven products, the 1 on x^8 is free, -1 is not.
    EXPECT_EQ(activation_counts({1, 1, -1, 1, 1, 1, 1, 1, 1}), (OperationCounts{10, 70, 20, 70}));
}

TEST(Operations, CryptoNetsShape) {
    // conv 5x5 stride 2 padding 1, 5 maps -> 845, square, dense 845 -> 100, square, dense 100 -> 10: 945
    // squares.
    Model model;
    model.name = "cryptonets";
    model.input_shape = {1, 28, 28};
    model.thresholds = {128};
    const auto ones = [](std::size_t rows, std::uint32_t columns) {
        WeightMatrix matrix{columns, {}};
        std::vector<WeightTerm> row;
        for (std::uint32_t c = 0; c < columns; ++c) {
            row.push_back({c, 1});
        }
        matrix.rows.assign(rows, row);
        return matrix;
    };
    model.layers.push_back(
        {"conv", Convolution{{5, 5}, {2, 2}, {1, 1}, ones(5, 25), std::vector<mpz_class>(5)}});
    model.layers.push_back({"sq1", Activation{{0, 0, 1}}});
    model.layers.push_back({"flat", Flatten{}});
    model.layers.push_back({"fc1", Dense{ones(100, 845), std::vector<mpz_class>(100)}});
    model.layers.push_back({"sq2", Activation{{0, 0, 1}}});
    model.layers.push_back({"fc2", Dense{ones(10, 100), std::vector<mpz_class>(10)}});
    const ModelOperations operations = count_operations(model);
    EXPECT_EQ(operations.total().ct_ct_mults, 945U);
    EXPECT_EQ(operations.layers[3].counts.pt_ct_mults, 84500U);
    EXPECT_EQ(operations.layers[5].counts, (OperationCounts{0, 990, 1000, 0}));
    // Of the 13 positions along an axis only the first has a tap (one of five) in the padding.
    EXPECT_EQ(operations.layers[0].counts.pt_ct_mults, 5U * 64 * 64);
}

TEST(Operations, RefuseAnInvalidModel) {
    EXPECT_THROW((void)count_operations(activation_model({1, 0})), Error);
}

}  // namespace
}  // namespace lacuna
