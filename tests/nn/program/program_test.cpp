// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/program.h>

#include <gtest/gtest.h>

#include <lacuna/nn/plan/plan.h>
#include "tests/support/inference.h"

namespace lacuna::testing {
namespace {

PlanRequest request_of(Packing packing, int privacy_bits = 0) {
    PlanRequest request;
    request.packing = packing;
    request.plain_kind = PlainKind::integers;
    request.privacy_bits = privacy_bits;
    return request;
}

TEST(Programs, AnActivationIsItsProductsAndTheirSum) {
    const Program steps = activation_steps({true, true, false, true, false});
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_EQ(steps[0].get_if<ProductStep>()->powers, (PowerProduct{1, 1}));
    EXPECT_EQ(steps[1].get_if<ProductStep>()->powers, (PowerProduct{1, 2}));
    EXPECT_EQ(steps[2].get_if<WeightedSumStep>()->highest, 3U);
    const Program constant = activation_steps({true, false});
    ASSERT_EQ(constant.size(), 1U);
    EXPECT_EQ(constant[0].get_if<WeightedSumStep>()->highest, 0U);
}

/// -Q modulo t for the level of an unscaled square, that of the factor itself for every further product.
TEST(Programs, FactorsAreThoseOfTheProducts) {
    const std::vector<std::uint64_t> primes = {97, 193, 257};
    const Modulus t(65537);
    Program program(6);
    program[0].kind = LinearStep{};
    program[1].kind = ProductStep{.powers = {1, 1}, .unscaled = true, .drop = true};
    program[1].limbs = 2;  // from 3
    program[2].kind = WeightedSumStep{.highest = 2, .drop = true};
    program[3].kind = ProductStep{.powers = {1, 1}};
    program[3].limbs = 2;
    program[4].kind = ProductStep{.powers = {1, 2}};
    program[4].limbs = 2;
    program[5].kind = WeightedSumStep{.highest = 3};
    const std::uint64_t minus_q = t.negate(t.reduce(std::uint64_t{97 * 193 * 257}));
    const std::uint64_t cube = t.multiply(minus_q, t.multiply(minus_q, minus_q));
    std::vector<mpz_class> expected;
    for (const std::uint64_t factor : {std::uint64_t{1}, std::uint64_t{1}, minus_q, minus_q, minus_q, cube}) {
        expected.emplace_back(static_cast<unsigned long>(factor));
    }
    EXPECT_EQ(value_factors(program, primes, 65537), expected);
}

/// What every plan's program promises to those who replay it.
void expect_well_formed(const Plan& plan) {
    std::size_t next = 0;
    std::size_t limbs = plan.client.parameters.data_primes.size();
    for (std::size_t l = 0; l < plan.steps.size(); ++l) {
        const PlanStep& line = plan.steps[l];
        ASSERT_EQ(line.begin, next);
        ASSERT_GT(line.end, line.begin);
        std::vector<int> size_of_power(ModelLimits::degree + 1);  // 0: not made
        size_of_power[1] = l == 0 ? 2 : static_cast<int>(plan.steps[l - 1].size);
        for (std::size_t s = line.begin; s < line.end; ++s) {
            const Step& step = plan.program[s];
            EXPECT_EQ(step.line, l);
            EXPECT_EQ(step.elements, line.elements);
            EXPECT_LE(step.limbs, limbs);
            if (const auto* product = step.get_if<ProductStep>()) {
                EXPECT_EQ(size_of_power[product->powers.low], 2) << "a product needs relinearised factors";
                EXPECT_EQ(size_of_power[product->powers.high], 2);
                size_of_power[product->powers.power()] = 3;
                EXPECT_EQ(step.limbs, limbs - (product->drop ? 1 : 0));
            } else if (const auto* relinearize = step.get_if<RelinearizeStep>()) {
                EXPECT_EQ(size_of_power[relinearize->power], 3);
                size_of_power[relinearize->power] = 2;
                EXPECT_TRUE(plan.client.relin_keys);
            } else if (const auto* sum = step.get_if<WeightedSumStep>()) {
                EXPECT_EQ(s + 1, line.end);
                EXPECT_EQ(step.limbs, limbs - (sum->drop ? 1 : 0));
            }
        }
        const Step& last = plan.program[line.end - 1];
        EXPECT_EQ(last.limbs, line.limbs) << line.name;
        EXPECT_EQ(last.size, line.size) << line.name;
        limbs = last.limbs;
        next = line.end;
    }
    EXPECT_EQ(next, plan.program.size());
}

TEST(Programs, OfPlansAreWellFormed) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        for (const Packing packing : all_packings) {
            const Model model = seed % 2 == 0 ? SmallModel(seed).one_activation(2 + seed / 2, 3, 2, 4)
                                              : SmallModel(seed).two_activations(2, 2, 4);
            SCOPED_TRACE("seed " + std::to_string(seed) + ", " + packing_name(packing));
            expect_well_formed(make_plan(model, request_of(packing)));
        }
    }
    expect_well_formed(make_plan(SmallModel(3).two_activations(2, 2, 4), request_of(Packing::slots, 40)));
}

/// The products that are run are those that are counted: one a product step and element.
TEST(Programs, RunTheProductsThatAreCounted) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const Model model = SmallModel(seed).one_activation(2 + seed, 2, 2, 3);
        const Plan plan = make_plan(model, request_of(Packing::radix));
        std::uint64_t products = 0;
        for (const Step& step : plan.program) {
            products += step.get_if<ProductStep>() != nullptr ? step.elements : 0;
        }
        EXPECT_EQ(products, plan.operations.total().ct_ct_mults);
    }
}

}  // namespace
}  // namespace lacuna::testing
