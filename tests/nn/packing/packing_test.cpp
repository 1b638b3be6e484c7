// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/packing.h>

#include <gtest/gtest.h>

#include <cstdlib>

#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/rules.h>
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

TEST(Packings, AreFoundByTheirNames) {
    for (const Packing packing : all_packings) {
        EXPECT_EQ(find_packing(packing_name(packing)), packing);
    }
    EXPECT_EQ(find_packing("boxes"), std::nullopt);
    EXPECT_EQ(packing_names(), "slots or radix or packed");
    EXPECT_TRUE(std::holds_alternative<SlotsPacking>(rules_of(Packing::slots, 0)));
    EXPECT_TRUE(std::holds_alternative<RadixPacking>(rules_of(Packing::radix, 0)));
    EXPECT_TRUE(std::holds_alternative<BinomialPacking>(rules_of(Packing::radix, 1)));
    EXPECT_TRUE(std::holds_alternative<BinomialPacking>(rules_of(Packing::slots, 128)));
    EXPECT_TRUE(std::holds_alternative<PackedPacking>(rules_of(Packing::packed, 128)));
}

/// The terms of an integer are it again, and its weight is theirs.
TEST(Packings, TermsAreTheInteger) {
    const Modulus t(12289);
    for (const std::int64_t value : {0L, 1L, -1L, 6144L, 6145L, -12289L, 99999L, -123456789L}) {
        const mpz_class integer(static_cast<long>(value));
        std::uint64_t slots = 0;
        double weight = 0;
        for (const Monomial& term : SlotsPacking::monomials(integer, t)) {
            EXPECT_EQ(term.exponent, 0U);
            slots = t.add(slots, t.reduce_signed(term.coefficient));
            weight += std::abs(static_cast<double>(term.coefficient));
        }
        EXPECT_EQ(slots, t.reduce_signed(value));
        EXPECT_DOUBLE_EQ(SlotsPacking::weight(integer, {12289}), weight);
        EXPECT_DOUBLE_EQ(SlotsPacking::weight(value, {12289}), weight);

        mpz_class radix;
        for (const Monomial& term : RadixPacking::monomials(integer, t)) {
            radix += mpz_class(static_cast<long>(term.coefficient)) << term.exponent;
        }
        EXPECT_EQ(radix, integer);
        EXPECT_DOUBLE_EQ(RadixPacking::weight(value, {12289}),
                         static_cast<double>(RadixPacking::monomials(integer, t).size()));
    }
    EXPECT_TRUE(SlotsPacking::keeps_integers(6144, {12289, 65537}));
    EXPECT_FALSE(SlotsPacking::keeps_integers(6145, {12289, 65537}));
}

TEST(Packings, ModuliHoldWhatIsNeeded) {
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        for (const std::size_t count : {1, 2, 3}) {
            for (const int bits : {3, 20, 45}) {
                const mpz_class needed = mpz_class(1) << static_cast<unsigned>(bits);
                std::visit(
                    [&](const auto& rules) {
                        mpz_class product = 1;
                        const std::vector<std::uint64_t> moduli = rules.plain_moduli(2048, count, needed);
                        for (const std::uint64_t t : moduli) {
                            EXPECT_TRUE(rules.takes(t, 2048)) << rules.name << ' ' << t;
                            product *= mpz_class(static_cast<unsigned long>(t));
                        }
                        EXPECT_EQ(moduli.size(), count);
                        EXPECT_GT(product, needed);
                        EXPECT_TRUE(rules.plain_moduli(2048, count, mpz_class(1) << 151).empty());
                    },
                    integer_rules_of(packing));
            }
        }
    }
    EXPECT_EQ(RadixPacking::plain_moduli(2048, 1, 1000), (std::vector<std::uint64_t>{1001}));
}

TEST(Packings, BoundsAreTheProvenRanges) {
    test::RandomModel random(4);
    const Model model = random.model(3, 2);
    const ExpandedModel expanded(model);
    EXPECT_EQ(SlotsPacking::bounds(expanded).range, slot_ranges(model).largest_logit());
    const PackingBounds radix = RadixPacking::bounds(expanded);
    const RadixRanges ranges = radix_ranges(model);
    EXPECT_EQ(radix.range, ranges.largest_logit_coefficient());
    EXPECT_EQ(radix.degree, ranges.largest_degree());
    EXPECT_FALSE(RadixPacking::fits(radix.degree, radix, 1));
    EXPECT_TRUE(RadixPacking::fits(radix.degree + 1, radix, 1));
    EXPECT_FALSE(RadixPacking::fits((radix.logit_degree + 1) * 1000 - 1, radix, 1000));
    EXPECT_EQ(RadixPacking::obstacle(radix, 1), std::nullopt);
    EXPECT_NE(RadixPacking::obstacle(radix, 100000)->find("side by side have to fit"), std::string::npos);
}

}  // namespace
}  // namespace lacuna
