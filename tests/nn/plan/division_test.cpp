// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/division.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/nn/server/model_part.h>
#include <lacuna/ntt/error.h>
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

Machines machines(std::size_t ranks, double bits_per_second = 10e9, std::size_t uploads = 1) {
    Machines result;
    result.ranks = ranks;
    result.bytes_per_second = bits_per_second / 8;
    result.uploads = uploads;
    return result;
}

std::size_t count(const Shares& shares) {
    std::size_t sum = 0;
    for (const auto& share : shares) {
        sum += share.size();
    }
    return sum;
}

/// A network whose first layer looks through windows and whose last one has fewer outputs than inputs.
Model windows_and_sums() {
    SmallModel random(5);
    Model model = random.empty({1, 8, 8}, 2);
    Convolution convolution{{3, 3}, {1, 1}, {1, 1}, {9, {}}, {}};
    for (std::size_t channel = 0; channel < 4; ++channel) {
        auto& row = convolution.weights.rows.emplace_back();
        for (std::uint32_t column = 0; column < 9; ++column) {
            row.push_back({column, 1});
        }
        convolution.bias.emplace_back(1);
    }
    model.layers.push_back({"windows", convolution});
    model.layers.push_back({"square", Activation{{0, 0, 1}}});
    model.layers.push_back({"windows-again", SumPool{{2, 2}, {1, 1}, {0, 0}}});
    model.layers.push_back({"flatten", Flatten{}});
    Dense dense{{model.shapes().back().size(), {}}, {}};
    for (std::size_t o = 0; o < 3; ++o) {
        auto& row = dense.weights.rows.emplace_back();
        for (std::uint32_t column = 0; column < dense.weights.columns; ++column) {
            row.push_back({column, 1});
        }
        dense.bias.emplace_back(2);
    }
    model.layers.push_back({"sums", dense});
    return model;
}

class Divided : public ::testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Ranks, Divided, ::testing::Values(1, 3, 200));

/// Every value is on one rank after every line; whoever computes has what it needs, from the rank that has
/// it.
TEST_P(Divided, EveryValueIsSomewhereAndComesFromWhereItIs) {
    const Model model = windows_and_sums();
    const Plan plan = make_plan(model, request_of(Packing::slots));
    const ExpandedModel expanded(model);
    const LaneDivision lane = divide_lane(expanded, plan, machines(GetParam()));
    ASSERT_EQ(lane.lines.size(), plan.steps.size());
    Shares before = lane.inputs;
    for (std::size_t l = 0; l < lane.lines.size(); ++l) {
        const LineDivision& line = lane.lines[l];
        ASSERT_EQ(line.has.size(), GetParam());
        EXPECT_EQ(count(line.has), plan.steps[l].elements);
        std::set<std::uint32_t> all;
        for (const auto& share : line.has) {
            EXPECT_TRUE(std::is_sorted(share.begin(), share.end()));
            all.insert(share.begin(), share.end());
        }
        EXPECT_EQ(all.size(), plan.steps[l].elements) << "no value is on two ranks";
        if (line.kind == LineDivision::Kind::each) {
            EXPECT_EQ(line.has, before);
            EXPECT_TRUE(line.messages.empty());
        } else {
            const Shares& held = line.kind == LineDivision::Kind::sums ? line.computes : before;
            for (const Message& message : line.messages) {
                EXPECT_NE(message.from, message.to);
                EXPECT_TRUE(std::ranges::includes(held[message.from], message.values));
            }
            for (std::size_t rank = 0; rank < GetParam(); ++rank) {
                std::set<std::uint32_t> there(before[rank].begin(), before[rank].end());
                if (line.kind == LineDivision::Kind::rows) {
                    EXPECT_EQ(line.computes[rank], line.has[rank]);
                    for (const Message& message : line.messages) {
                        if (message.to == rank) {
                            there.insert(message.values.begin(), message.values.end());
                        }
                    }
                } else {
                    EXPECT_TRUE(std::ranges::includes(line.computes[rank], line.has[rank]));
                }
                EXPECT_TRUE(std::ranges::includes(there, line.needs[rank]));
            }
        }
        before = line.has;
    }
}

/// The parts of a layer, summed where they are partial, are the layer.
TEST_P(Divided, PartsOfALayerAddUpToIt) {
    const Model model = windows_and_sums();
    const Plan plan = make_plan(model, request_of(Packing::slots));
    const ExpandedModel expanded(model);
    const LaneDivision lane = divide_lane(expanded, plan, machines(GetParam()));
    for (std::size_t l = 0; l < lane.lines.size(); ++l) {
        if (plan.steps[l].kind != PlanStep::Kind::linear) {
            continue;
        }
        const LinearMap& whole = expanded.map(plan.steps[l].layer);
        std::vector<std::vector<std::int64_t>> sums(whole.weights.rows.size(),
                                                    std::vector<std::int64_t>(whole.weights.columns));
        std::vector<mpz_class> bias(whole.bias.size());
        for (std::size_t rank = 0; rank < GetParam(); ++rank) {
            const LineDivision& line = lane.lines[l];
            const LinearMap part = part_of(whole, line, rank);
            for (std::size_t row = 0; row < part.weights.rows.size(); ++row) {
                const std::uint32_t output = line.computes[rank][row];
                bias[output] += part.bias[row];
                for (const WeightTerm& term : part.weights.rows[row]) {
                    sums[output][line.needs[rank][term.column]] += term.weight;
                }
            }
        }
        EXPECT_EQ(bias, whole.bias);
        for (std::size_t row = 0; row < sums.size(); ++row) {
            for (const WeightTerm& term : whole.weights.rows[row]) {
                sums[row][term.column] -= term.weight;
            }
            EXPECT_EQ(sums[row], std::vector<std::int64_t>(whole.weights.columns)) << row;
        }
    }
}

TEST(Division, MovesWhatIsLess) {
    const Model model = windows_and_sums();
    const Plan plan = make_plan(model, request_of(Packing::slots));
    const ExpandedModel expanded(model);
    const LaneDivision lane = divide_lane(expanded, plan, machines(2));
    std::map<std::string, const LineDivision*> lines;
    for (std::size_t l = 0; l < lane.lines.size(); ++l) {
        lines.emplace(plan.steps[l].name, &lane.lines[l]);
    }
    // Of two halves of the picture, 7 windows in each of 4 channels look at both.
    EXPECT_EQ(lines.at("windows-again")->kind, LineDivision::Kind::sums);
    EXPECT_EQ(lines.at("windows-again")->bytes(), 4 * 7 * lines.at("windows-again")->value_bytes);
    // 3 outputs, of which one rank has to get the other half.
    EXPECT_EQ(lines.at("sums")->kind, LineDivision::Kind::sums);
    EXPECT_EQ(lines.at("sums")->bytes(), 3 * lines.at("sums")->value_bytes);
}

TEST(Division, GivesRanksToModuliAndUploadsFirst) {
    const Model model = windows_and_sums();
    PlanRequest request = request_of(Packing::slots);
    request.plain_moduli = 2;
    const Plan plan = make_plan(model, request);
    const ExpandedModel expanded(model);
    const Division two = divide(expanded, plan, machines(2));
    ASSERT_EQ(two.teams.size(), 1U);
    EXPECT_EQ(two.teams.front().size(), 2U) << "a lane for each modulus";
    for (const LineDivision& line : two.divisions.at(1).lines) {
        EXPECT_EQ(line.bytes(), 0U);
    }
    const Division uploads = divide(expanded, plan, machines(2, 10e9, 8));
    EXPECT_LE(uploads.seconds, divide(expanded, plan, machines(1, 10e9, 8)).seconds);
    // All ranks have a post, whatever their number.
    for (const std::size_t ranks : {1, 3, 5, 16}) {
        const Division division = divide(expanded, plan, machines(ranks, 10e9, 3));
        std::set<std::size_t> moduli;
        for (const Lane& lane : division.teams.front()) {
            moduli.insert(lane.moduli.begin(), lane.moduli.end());
        }
        EXPECT_EQ(moduli.size(), plan.moduli());
        for (std::size_t rank = 0; rank < ranks; ++rank) {
            const Division::Post post = division.post(rank);
            const Lane& lane = division.teams[post.team][post.lane];
            EXPECT_EQ(lane.first + post.rank, rank);
            EXPECT_LT(post.rank, lane.ranks);
        }
        EXPECT_THROW((void)division.post(ranks), Error);
    }
}

TEST(Division, CountsIdleRanksAndRefusesNone) {
    const Model model = small_network();
    const Plan plan = make_plan(model, request_of(Packing::slots));
    const ExpandedModel expanded(model);
    EXPECT_EQ(divide(expanded, plan, machines(1)).idle(), 0U);
    EXPECT_GT(divide(expanded, plan, machines(100)).idle(), 0U);
    EXPECT_THROW((void)divide(expanded, plan, machines(0)), Error);
    EXPECT_THROW((void)divide(expanded, plan, machines(2, 0)), Error);
}

/// Slower links never make an estimate shorter.
TEST(Division, IsSlowerWhereLinksAreSlower) {
    const Model model = windows_and_sums();
    const Plan plan = make_plan(model, request_of(Packing::slots));
    const ExpandedModel expanded(model);
    for (const std::size_t ranks : {2, 5}) {
        EXPECT_LE(divide(expanded, plan, machines(ranks, 25e9)).seconds,
                  divide(expanded, plan, machines(ranks, 1e9)).seconds);
    }
}

}  // namespace
}  // namespace lacuna::testing
