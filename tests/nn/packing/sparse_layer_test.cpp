// SPDX-License-Identifier: Apache-2.0
//
// Kernels of layers on real ciphertexts, against the plain sum that a row stands for.
#include <lacuna/nn/server/layer_kernel.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/packing/radix.h>
#include <lacuna/nn/packing/slots.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

constexpr std::size_t n = 64;
constexpr std::uint64_t t = 1 << 20;

class SparseLayerTest : public ::testing::Test {
  protected:
    SparseLayerTest() {
        for (int i = 0; i < 3; ++i) {
            messages.push_back(random_plaintext(n, t, random));
            values.push_back(scheme.encryptor.encrypt(messages.back()));
        }
        map.weights.columns = 3;
        map.weights.rows = {{{0, 5}, {2, -7}}, {}, {{1, 1}, {2, 524287}}};
        map.bias = {3, -4, 0};
    }

    /// The polynomial of a few monomials.
    [[nodiscard]] static Plaintext polynomial(const std::vector<Monomial>& terms) {
        const Modulus modulus(t);
        Plaintext result(n, t);
        for (const Monomial& term : terms) {
            result[term.exponent] =
                modulus.add(result[term.exponent], modulus.reduce_signed(term.coefficient));
        }
        return result;
    }

    template <typename Rules>
    void expect_rows(std::uint64_t factor) {
        const Modulus modulus(t);
        apply(Rules::compile(map, n, modulus, factor), scheme.context, values, {}, {});
        ASSERT_EQ(values.size(), map.weights.rows.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            const Plaintext bias = polynomial(Rules::monomials(map.bias[i], modulus));
            Plaintext expected = ring_multiply(bias, polynomial({{static_cast<std::int64_t>(factor), 0}}));
            for (const WeightTerm& term : map.weights.rows[i]) {
                const Plaintext weight =
                    polynomial(Rules::monomials(mpz_class(static_cast<long>(term.weight)), modulus));
                expected = ring_add(expected, ring_multiply(messages[term.column], weight));
            }
            EXPECT_EQ(scheme.decryptor.decrypt(values[i]), expected) << "row " << i;
        }
    }

    std::mt19937_64 random{1};
    const Scheme scheme{small_parameters(n, {50, 50}, {}, {t})};
    std::vector<Plaintext> messages;
    std::vector<Ciphertext> values;
    LinearMap map;
};

TEST_F(SparseLayerTest, RowsAreSumsInTheSlots) {
    expect_rows<SlotsPacking>(1);
}
TEST_F(SparseLayerTest, RowsAreSumsInRadix) {
    expect_rows<RadixPacking>(1);
}
TEST_F(SparseLayerTest, BiasesCarryTheFactorOfTheirValues) {
    expect_rows<SlotsPacking>(77777);
}

TEST_F(SparseLayerTest, JoinedValuesStandSideBySide) {
    constexpr std::size_t stride = 20;
    // Values of fewer coefficients than the distance, as logits are.
    values.clear();
    for (Plaintext& message : messages) {
        for (std::size_t j = stride; j < n; ++j) {
            message[j] = 0;
        }
        values.push_back(scheme.encryptor.encrypt(message));
    }
    apply(join_layer(n, 3, stride), scheme.context, values, {}, {});
    ASSERT_EQ(values.size(), 1U);
    const Plaintext joined = scheme.decryptor.decrypt(values[0]);
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < stride; ++j) {
            EXPECT_EQ(joined[i * stride + j], messages[i][j]) << i << ", " << j;
        }
    }
}

TEST_F(SparseLayerTest, FactorsAreCentredModuloT) {
    const Modulus modulus(97);
    const std::vector<Monomial> terms = multiplied({{3, 5}, {-1, 0}, {48, 2}}, 40, modulus);
    EXPECT_EQ(terms, (std::vector<Monomial>{{23, 5}, {-40, 0}, {-20, 2}}));
}

}  // namespace
}  // namespace lacuna::testing
