// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/giant_steps.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/program/cost_model.h>

namespace lacuna {

namespace {

std::vector<std::uint32_t> up_to(std::size_t count) {
    std::vector<std::uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0U);
    return numbers;
}

/// What one rank does of a layer: its rotations and products, without what follows their sum.
double cost_of(const CostModel& cost, const RotationSchedule& schedule, std::size_t inputs,
               const std::vector<GiantGroup>& groups, const std::vector<std::uint32_t>& own,
               std::size_t limbs) {
    DiagonalAccount account;
    account.inputs = own.empty() ? 0 : inputs;
    account.outputs = 0;
    std::set<std::pair<std::size_t, int>> babies;
    for (const std::uint32_t g : own) {
        account.giants += groups[g].giant != 0 ? 1 : 0;
        account.products += groups[g].diagonals.size();
        for (const std::size_t d : groups[g].diagonals) {
            if (schedule.terms[d].baby != 0) {
                babies.insert({schedule.terms[d].input, schedule.terms[d].baby});
            }
        }
    }
    account.babies = babies.size();
    return cost.diagonals(account, limbs);
}

/// Whether the sum of an output is taken modulo Q P, so that it can be divided after its parts are added up.
std::vector<bool> extended_outputs(const RotationSchedule& schedule, const std::vector<GiantGroup>& groups,
                                   std::size_t outputs) {
    std::vector<bool> extended(outputs, schedule.babies > 0);
    for (const GiantGroup& group : groups) {
        extended[group.output] = extended[group.output] || group.giant != 0;
    }
    return extended;
}

class GiantStepDivider {
  public:
    GiantStepDivider(const Plan& plan, const Machines& machines)
        : plan_(plan), machines_(machines), cost_(plan.client.parameters), ranks_(machines.ranks) {}

    /// Everything on the first rank.
    [[nodiscard]] LineDivision alone(const PlanStep& step) const {
        LineDivision line;
        line.needs.resize(ranks_);
        line.computes.resize(ranks_);
        line.has.resize(ranks_);
        line.has[0] = up_to(step.elements);
        line.seconds = step.cost * machines_.nominal_seconds;
        return line;
    }

    /// A layer of `inputs` ciphertexts at level `limbs`. first: the request brings the inputs.
    [[nodiscard]] LineDivision layer(const PlanStep& step, const PackedLayer& layer, std::size_t limbs,
                                     bool first) const {
        const std::vector<GiantGroup> groups = giant_groups(layer.schedule);
        LineDivision here = alone(step);
        here.kind = LineDivision::Kind::giants;
        here.needs[0] = up_to(layer.account.inputs);
        here.computes[0] = up_to(groups.size());
        if (ranks_ == 1 || layer.schedule.chained) {
            return here;  // chained steps wait for each other
        }
        LineDivision shared = share(layer, groups, limbs, first);
        shared.has = here.has;
        // What the first rank does alone: dividing, adding parts up.
        shared.seconds += std::max(0.0, step.cost - cost_of(cost_, layer.schedule, layer.account.inputs,
                                                            groups, here.computes[0], limbs)) *
                          machines_.nominal_seconds;
        return shared.seconds + shared.exchange_seconds < here.seconds ? shared : here;
    }

  private:
    [[nodiscard]] LineDivision share(const PackedLayer& layer, const std::vector<GiantGroup>& groups,
                                     std::size_t limbs, bool first) const {
        const std::size_t inputs = layer.account.inputs;
        LineDivision line;
        line.kind = LineDivision::Kind::giants;
        line.computes = deal(layer, groups, limbs);
        line.needs.resize(ranks_);
        const Parameters& parameters = plan_.client.parameters;
        line.value_bytes = value_bytes(parameters.n, limbs, 2);
        line.sum_bytes = value_bytes(parameters.n, limbs + parameters.special_primes.size(), 2);
        for (std::size_t rank = 0; rank < ranks_; ++rank) {
            const auto& own = line.computes[rank];
            line.seconds = std::max(line.seconds, cost_of(cost_, layer.schedule, inputs, groups, own, limbs) *
                                                      machines_.nominal_seconds);
            if (rank != 0 && own.empty()) {
                continue;
            }
            line.needs[rank] = up_to(inputs);
            if (rank == 0) {
                continue;
            }
            if (!first) {
                line.messages.push_back({0, rank, line.needs[rank]});
            }
            std::set<std::uint32_t> outputs;
            for (const std::uint32_t g : own) {
                outputs.insert(static_cast<std::uint32_t>(groups[g].output));
            }
            line.returns.push_back({rank, 0, {outputs.begin(), outputs.end()}});
        }
        line.exchange_seconds = static_cast<double>(line.bytes()) / machines_.bytes_per_second;
        return line;
    }

    /// The dearest groups first, each to the rank with least to do.
    [[nodiscard]] Shares deal(const PackedLayer& layer, const std::vector<GiantGroup>& groups,
                              std::size_t limbs) const {
        const std::vector<bool> extended = extended_outputs(layer.schedule, groups, layer.account.outputs);
        std::vector<std::pair<double, std::uint32_t>> order;
        for (std::uint32_t g = 0; g < groups.size(); ++g) {
            DiagonalAccount account;
            account.inputs = 0;
            account.outputs = 0;
            account.products = groups[g].diagonals.size();
            account.giants = groups[g].giant != 0 ? 1 : 0;
            order.emplace_back(-cost_.diagonals(account, limbs), g);
        }
        std::sort(order.begin(), order.end());
        Shares shares(ranks_);
        std::vector<double> load(ranks_);
        for (const auto& [negative, g] : order) {
            const std::size_t rank =
                extended[groups[g].output]
                    ? static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin())
                    : 0;
            load[rank] -= negative;
            shares[rank].push_back(g);
        }
        for (auto& share : shares) {
            std::sort(share.begin(), share.end());
        }
        return shares;
    }

    const Plan& plan_;
    const Machines& machines_;
    CostModel cost_;
    std::size_t ranks_;
};

}  // namespace

std::vector<GiantGroup> giant_groups(const RotationSchedule& schedule) {
    std::vector<GiantGroup> groups;
    std::map<std::pair<std::size_t, int>, std::size_t> numbers;
    for (std::size_t d = 0; d < schedule.terms.size(); ++d) {
        const RotationSchedule::Term& term = schedule.terms[d];
        const auto [number, is_new] = numbers.try_emplace({term.output, term.giant}, groups.size());
        if (is_new) {
            groups.push_back({term.output, term.giant, {}});
        }
        groups[number->second].diagonals.push_back(d);
    }
    return groups;
}

LaneDivision divide_giant_steps(const ExpandedModel& model, const Plan& plan, const Machines& machines) {
    const Parameters& parameters = plan.client.parameters;
    const PackedNetwork network(model, parameters.plain_polynomials.front().power(), plan.recipe.ways,
                                plan.client.packed.images);
    const GiantStepDivider divider(plan, machines);
    LaneDivision division;
    division.ranks = machines.ranks;
    division.inputs.resize(machines.ranks);
    division.inputs[0] = up_to(network.input_ciphertexts());
    division.input_bytes = fresh_bytes(parameters.n, parameters.data_primes.size(), true);
    auto layer = network.layers().begin();
    std::size_t limbs = parameters.data_primes.size();
    for (const PlanStep& step : plan.steps) {
        const bool first = division.lines.empty();
        if (step.kind != PlanStep::Kind::linear) {
            division.lines.push_back(divider.alone(step));
        } else {
            division.lines.push_back(divider.layer(step, *layer++, limbs, first));
            if (first) {
                division.inputs = division.lines.front().needs;
            }
        }
        limbs = step.limbs;
    }
    division.reply_bytes = value_bytes(parameters.n, limbs, plan.steps.back().size);
    return division;
}

}  // namespace lacuna
