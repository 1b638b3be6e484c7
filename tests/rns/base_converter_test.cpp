// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/base_converter.h>

#include <gtest/gtest.h>

#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

struct Chain {
    std::vector<int> from;
    std::vector<int> to;
};

const std::vector<Chain>& chains() {
    static const std::vector<Chain> all = {
        {{50}, {50, 49, 20}},
        {{8}, {50, 10}},
        {{50, 50}, {50}},
        {{50, 50, 50, 32}, {50, 50, 50, 50, 50}},
        {{20, 50, 33, 12}, {49, 50, 21}},
        {{30, 31, 32, 33, 34, 35, 36}, {50, 12, 40}},
        {std::vector<int>(12, 45), {50, 50}},
        {{50, 12, 49, 20, 48, 33, 47, 14, 46, 50, 50, 25, 50, 41, 16, 50, 50, 18, 50, 40}, {50, 50, 24, 13}},
        {std::vector<int>(20, 50), std::vector<int>(21, 50)},
    };
    return all;
}

class BaseConverterTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(BaseConverterTest, GivesTheCentredIntegerAndEitherNeighbourOnlyAtTheVeryEdge) {
    const Chain& chain = chains()[GetParam()];
    const std::vector<std::uint64_t> from = primes_of(16, chain.from);
    const std::vector<std::uint64_t> to = primes_of(16, chain.to, from);
    const mpz_class q = product_of(from);
    std::mt19937_64 random(GetParam() + 1);

    // |x| <= Q/2 (1 - e) with e = 1.25 L 2^-51 is exact, and from one modulus everything is.
    const mpz_class half = q / 2;  // q is odd: the centred integers are -half ... half
    const mpz_class edge = from.size() == 1 ? mpz_class(0) : mpz_class(((5 * from.size() * half) >> 53) + 1);
    std::vector<mpz_class> values = {0, 1, -1, half - edge, -half + edge, half - edge - 1, -half + edge + 1};
    for (int k = 0; k < 8; ++k) {  // the edge itself
        values.push_back(half - k);
        values.push_back(-half + k);
        values.push_back(half - edge / 2 - k);
        values.push_back(-half + edge / 2 + k);
    }
    for (mpz_class& value : values) {  // small moduli: stay within them
        value = value > half ? mpz_class(half) : value < -half ? mpz_class(-half) : value;
    }
    while (values.size() % 16 != 0 || values.size() < 272 + 256) {  // neither one block nor a whole number
        values.push_back(random_below(q, random) - half);
    }

    const BaseConverter converter(moduli_of(from), moduli_of(to), active_kernels());
    const Rows source(from, values);
    Rows target(to, values.size());
    converter.convert(source.sources(), target.targets(), values.size());
    for (std::size_t j = 0; j < values.size(); ++j) {
        const mpz_class& x = values[j];
        if (abs(x) <= half - edge) {
            ASSERT_EQ(target.column(j), residues_of(x, to)) << "x = " << x;
        } else {
            const mpz_class neighbour = x > 0 ? mpz_class(x - q) : mpz_class(x + q);
            ASSERT_TRUE(target.column(j) == residues_of(x, to) ||
                        target.column(j) == residues_of(neighbour, to))
                << "x = " << x;
        }
    }
}

TEST_P(BaseConverterTest, LeavesOutNullAndMissingTargets) {
    const Chain& chain = chains()[GetParam()];
    const std::vector<std::uint64_t> from = primes_of(16, chain.from);
    const std::vector<std::uint64_t> to = primes_of(16, chain.to, from);
    const BaseConverter converter(moduli_of(from), moduli_of(to), active_kernels());
    std::mt19937_64 random(5);
    std::vector<mpz_class> values;
    for (int j = 0; j < 16; ++j) {
        values.push_back(random_below(product_of(from), random));
    }
    const Rows source(from, values);
    Rows all(to, 16);
    converter.convert(source.sources(), all.targets(), 16);
    Rows last(to, 16);
    std::vector<std::uint64_t*> targets(to.size(), nullptr);
    targets.back() = last.targets().back();
    converter.convert(source.sources(), targets, 16);
    Rows first(to, 16);
    converter.convert(source.sources(), std::vector<std::uint64_t*>{first.targets().front()}, 16);
    for (std::size_t j = 0; j < 16; ++j) {
        EXPECT_EQ(last.column(j).back(), all.column(j).back());
        EXPECT_EQ(first.column(j).front(), all.column(j).front());
    }
}

INSTANTIATE_TEST_SUITE_P(Chains, BaseConverterTest, ::testing::Range(std::size_t{0}, chains().size()),
                         [](const auto& info) {
                             return std::to_string(chains()[info.param].from.size()) + "_to_" +
                                    std::to_string(chains()[info.param].to.size()) + "_setting" +
                                    std::to_string(info.index);
                         });

}  // namespace
}  // namespace lacuna::testing
