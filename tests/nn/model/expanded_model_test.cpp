// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/expanded_model.h>

#include <stop_token>

#include <gtest/gtest.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/packed.h>
#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/packing/slots.h>
#include <lacuna/nn/plan/parameter_search.h>
#include <lacuna/nn/program/stage.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include "tests/support/random_model.h"
#include "tests/support/scheme.h"

namespace lacuna {
namespace {

TEST(ExpandedModel, HoldsTheLinearMapOfEveryLinearLayer) {
    test::RandomModel random(3);
    const Model model = random.model(3, 2);
    const ExpandedModel expanded(model);
    EXPECT_EQ(&expanded.model(), &model);
    EXPECT_EQ(expanded.shapes(), model.shapes());
    EXPECT_EQ(expanded.classes(), model.classes());
    std::size_t linear = 0;
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        if (!is_linear(model.layers[l])) {
            continue;
        }
        const LinearMap map = linear_map(model.layers[l], expanded.shapes()[l]);
        EXPECT_EQ(expanded.map(l).weights.rows, map.weights.rows);
        EXPECT_EQ(expanded.map(l).weights.columns, expanded.shapes()[l].size());
        EXPECT_EQ(expanded.map(l).bias, map.bias);
        ++linear;
    }
    EXPECT_GE(linear, 3U);
}

TEST(ExpandedModel, RefusesAnInvalidModel) {
    Model model = test::RandomModel(3).model(3, 2);
    model.layers[1].name = model.layers[0].name;
    EXPECT_THROW((void)ExpandedModel(model), Error);
}

/// Whatever works on a model ends where that says so: ranges, stages, layouts and searches.
TEST(ExpandedModel, EndsWorkWhereAStopIsRequested) {
    const Model model = test::RandomModel(3).model(3, 2);
    std::stop_source source;
    const ExpandedModel expanded(model, source.get_token());
    PackedNetwork network(expanded, 128);
    constexpr std::size_t n = 2048;
    const PlainModulus t = PackedPacking::plain_modulus(n, 128, 1000).value();
    Parameters parameters = testing::small_parameters(n, {max_modulus_bits}, {}, {});
    parameters.plain_polynomials = {t};
    const Context context(parameters);
    const BinomialEncoder encoder(context);
    const PackingBounds bounds = SlotsPacking::bounds(expanded);
    EXPECT_NO_THROW(expanded.check_stop());
    source.request_stop();
    EXPECT_THROW(expanded.check_stop(), Stopped);
    EXPECT_THROW((void)ExpandedModel(model, source.get_token()), Stopped);
    EXPECT_THROW((void)linear_map(model.layers.front(), model.input_shape, source.get_token()), Stopped);
    EXPECT_THROW((void)slot_ranges(expanded), Stopped);
    EXPECT_THROW((void)radix_ranges(expanded), Stopped);
    EXPECT_THROW((void)stages_of(expanded, Packing::slots, {65537}), Stopped);
    EXPECT_THROW((void)stages_of(expanded, Packing::radix, {65537}), Stopped);
    EXPECT_THROW((void)binomial_stages_of(expanded, t, n), Stopped);
    EXPECT_THROW((void)PackedNetwork(expanded, 128), Stopped);
    EXPECT_THROW((void)PackedNetwork(expanded, 128, network.ways(), 1), Stopped);
    EXPECT_THROW(network.measure(encoder, n, source.get_token()), Stopped);
    for (const Packing packing : {Packing::slots, Packing::radix, Packing::packed}) {
        EXPECT_THROW((void)best_candidate(expanded, {}, packing, bounds), Stopped);
    }
    EXPECT_THROW((void)best_binomial(expanded, {}, Packing::slots, bounds), Stopped);
}

}  // namespace
}  // namespace lacuna
