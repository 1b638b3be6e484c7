// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/lane.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/plan/giant_steps.h>
#include <lacuna/rns/random.h>

namespace lacuna {

namespace {

using Owners = std::vector<std::uint32_t>;  // [value]: its rank

/// Values in the order in which they are cut into shares: as they are numbered, channel after channel, or
/// place after place in the picture with all its channels.
std::vector<std::uint32_t> ordered(const Shape& shape, bool by_place) {
    std::vector<std::uint32_t> order(shape.size());
    const std::size_t places = shape.height * shape.width;
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] =
            static_cast<std::uint32_t>(by_place ? i % shape.channels * places + i / shape.channels : i);
    }
    return order;
}

/// Cuts the order into as many runs of about the same weight as there are ranks; runs may be empty.
Owners cut(const std::vector<std::uint32_t>& order, const std::vector<double>& weights, std::size_t ranks) {
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    Owners owners(order.size());
    double before = 0;
    for (const std::uint32_t value : order) {
        const double middle = (before + weights[value] / 2) / total * static_cast<double>(ranks);
        owners[value] = static_cast<std::uint32_t>(std::min(ranks - 1, static_cast<std::size_t>(middle)));
        before += weights[value];
    }
    return owners;
}

Shares shares_of(const Owners& owners, std::size_t ranks) {
    Shares shares(ranks);
    for (std::size_t value = 0; value < owners.size(); ++value) {
        shares[owners[value]].push_back(static_cast<std::uint32_t>(value));
    }
    return shares;
}

/// Those with values, from lists by sender and receiver.
std::vector<Message> messages_of(std::vector<Shares> lists) {
    std::vector<Message> messages;
    for (std::size_t from = 0; from < lists.size(); ++from) {
        for (std::size_t to = 0; to < lists.size(); ++to) {
            if (!lists[from][to].empty()) {
                messages.push_back({from, to, std::move(lists[from][to])});
            }
        }
    }
    return messages;
}

/// The most bytes that a rank sends or receives.
std::uint64_t most_bytes(const std::vector<Message>& messages, std::uint64_t each, std::size_t ranks) {
    std::vector<std::uint64_t> in(ranks);
    std::vector<std::uint64_t> out(ranks);
    for (const Message& message : messages) {
        out[message.from] += message.values.size() * each;
        in[message.to] += message.values.size() * each;
    }
    return std::max(*std::max_element(in.begin(), in.end()), *std::max_element(out.begin(), out.end()));
}

std::size_t largest(const Shares& shares) {
    std::size_t most = 0;
    for (const auto& share : shares) {
        most = std::max(most, share.size());
    }
    return most;
}

/// The outputs of a sparse layer, each where it will be, from inputs that are sent there. inputs: null where
/// the request brings them.
LineDivision by_rows(const WeightMatrix& matrix, const Owners* inputs, const Owners& outputs,
                     std::size_t ranks, std::vector<double>& terms) {
    LineDivision line;
    line.kind = LineDivision::Kind::rows;
    line.has = shares_of(outputs, ranks);
    line.computes = line.has;
    line.needs.resize(ranks);
    std::vector<Shares> sent(ranks, Shares(ranks));
    terms.assign(ranks, 0);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
        std::vector<bool> needed(matrix.columns);
        for (const std::uint32_t row : line.computes[rank]) {
            for (const WeightTerm& term : matrix.rows[row]) {
                needed[term.column] = true;
            }
            terms[rank] += static_cast<double>(matrix.rows[row].size());
        }
        if (terms[rank] == 0 && !line.computes[rank].empty()) {
            needed[0] = true;  // rows without terms look like some input
        }
        for (std::uint32_t i = 0; i < matrix.columns; ++i) {
            if (needed[i]) {
                line.needs[rank].push_back(i);
                if (inputs != nullptr && (*inputs)[i] != rank) {
                    sent[(*inputs)[i]][rank].push_back(i);
                }
            }
        }
    }
    line.messages = messages_of(std::move(sent));
    return line;
}

/// The same from the inputs that each rank has; their sums are sent. Nothing where a rank without inputs is
/// to have outputs.
std::optional<LineDivision> by_sums(const WeightMatrix& matrix, const Owners& inputs, const Owners& outputs,
                                    std::size_t ranks, std::vector<double>& terms) {
    LineDivision line;
    line.kind = LineDivision::Kind::sums;
    line.has = shares_of(outputs, ranks);
    line.needs = shares_of(inputs, ranks);
    line.computes.resize(ranks);
    std::vector<Shares> sent(ranks, Shares(ranks));
    terms.assign(ranks, 0);
    std::vector<std::size_t> last(ranks);  // the last row, counted from 1, that a rank has a sum of
    for (std::uint32_t row = 0; row < matrix.rows.size(); ++row) {
        const std::size_t owner = outputs[row];
        if (line.needs[owner].empty()) {
            return std::nullopt;
        }
        const auto compute = [&](std::size_t rank) {
            if (std::exchange(last[rank], row + 1) != row + 1) {
                line.computes[rank].push_back(row);
                if (rank != owner) {
                    sent[rank][owner].push_back(row);
                }
            }
        };
        compute(owner);
        for (const WeightTerm& term : matrix.rows[row]) {
            compute(inputs[term.column]);
            terms[inputs[term.column]] += 1;
        }
    }
    line.messages = messages_of(std::move(sent));
    return line;
}

class LaneDivider {
  public:
    LaneDivider(const ExpandedModel& model, const Plan& plan, const Machines& machines)
        : model_(model), plan_(plan), machines_(machines), ranks_(machines.ranks) {
        const Parameters& parameters = plan.client.parameters;
        before_.push_back({parameters.data_primes.size(), 2});
        for (const PlanStep& line : plan.steps) {
            before_.push_back({line.limbs, line.size});
        }
        joined_.columns = plan.client.classes;
        auto& row = joined_.rows.emplace_back();
        for (std::uint32_t i = 0; i < plan.client.classes; ++i) {
            row.push_back({i, 1});
        }
    }

    LaneDivision run() {
        std::vector<State> states;
        for (const bool by_place : orders(model_.shapes().front())) {
            const std::vector<double> weights(model_.shapes().front().size(), 1.0);
            State& state = states.emplace_back();
            state.owners = cut(ordered(model_.shapes().front(), by_place), weights, ranks_);
            state.division.inputs = shares_of(state.owners, ranks_);
        }
        for (std::size_t line = 0; line < plan_.steps.size(); ++line) {
            if (is_kernel(line)) {
                states = behind_kernel(line, states);
            } else {
                for (State& state : states) {
                    stay(line, state);
                }
            }
        }
        for (State& state : states) {
            finish(state);
        }
        return std::move(std::min_element(states.begin(), states.end(), [](const State& a, const State& b) {
                             return a.seconds < b.seconds;
                         })->division);
    }

  private:
    struct Level {
        std::size_t limbs;
        std::size_t size;
    };
    /// The lines so far and where their values are.
    struct State {
        Owners owners;
        LaneDivision division;
        double seconds = 0;
    };

    [[nodiscard]] bool is_kernel(std::size_t line) const {
        const PlanStep::Kind kind = plan_.steps[line].kind;
        return kind == PlanStep::Kind::linear || kind == PlanStep::Kind::join;
    }

    /// Both, where they differ.
    [[nodiscard]] std::vector<bool> orders(const Shape& shape) const {
        return ranks_ > 1 && shape.channels > 1 && shape.height * shape.width > 1
                   ? std::vector<bool>{false, true}
                   : std::vector<bool>{false};
    }

    [[nodiscard]] const WeightMatrix& matrix(std::size_t line) const {
        const PlanStep& step = plan_.steps[line];
        return step.kind == PlanStep::Kind::join ? joined_ : model_.map(step.layer).weights;
    }

    /// Of each output: its own share of the layer, and what follows until values move again.
    [[nodiscard]] std::vector<double> weights(std::size_t line) const {
        const WeightMatrix& layer = matrix(line);
        const auto terms = static_cast<double>(std::max<std::size_t>(1, layer.nonzeros()));
        double each = 0;
        for (std::size_t next = line + 1; next < plan_.steps.size() && !is_kernel(next); ++next) {
            each += plan_.steps[next].cost / static_cast<double>(plan_.steps[next].elements);
        }
        std::vector<double> result;
        for (const auto& row : layer.rows) {
            result.push_back(each + 1 + plan_.steps[line].cost * static_cast<double>(row.size()) / terms);
        }
        return result;
    }

    std::vector<State> behind_kernel(std::size_t line, const std::vector<State>& states) {
        const PlanStep& step = plan_.steps[line];
        const bool join = step.kind == PlanStep::Kind::join;
        const Shape shape = join ? Shape{} : model_.shapes()[step.layer + 1];
        const std::vector<double> weight = weights(line);
        std::vector<State> results;
        for (const bool by_place : orders(shape)) {
            const Owners outputs = join ? Owners(1) : cut(ordered(shape, by_place), weight, ranks_);
            std::optional<State> best;
            const auto consider = [&](const State& from, LineDivision division,
                                      const std::vector<double>& terms) {
                State to = extended(line, from, std::move(division), terms);
                if (!best || to.seconds < best->seconds) {
                    best = std::move(to);
                }
            };
            for (const State& from : states) {
                std::vector<double> terms;
                LineDivision rows =
                    by_rows(matrix(line), line == 0 ? nullptr : &from.owners, outputs, ranks_, terms);
                consider(from, std::move(rows), terms);
                if (!join && ranks_ > 1) {
                    if (auto sums = by_sums(matrix(line), from.owners, outputs, ranks_, terms)) {
                        consider(from, std::move(*sums), terms);
                    }
                }
            }
            best->owners = outputs;
            results.push_back(std::move(*best));
        }
        return results;
    }

    State extended(std::size_t line, const State& from, LineDivision division,
                   const std::vector<double>& terms) const {
        const double all = std::max(1.0, std::accumulate(terms.begin(), terms.end(), 0.0));
        const Level level = before_[division.kind == LineDivision::Kind::sums ? line + 1 : line];
        division.value_bytes = value_bytes(plan_.client.parameters.n, level.limbs, level.size);
        division.seconds = plan_.steps[line].cost * machines_.nominal_seconds *
                           *std::max_element(terms.begin(), terms.end()) / all;
        division.exchange_seconds =
            static_cast<double>(most_bytes(division.messages, division.value_bytes, ranks_)) /
            machines_.bytes_per_second;
        State to;
        to.division = from.division;
        to.seconds = from.seconds + division.seconds + division.exchange_seconds;
        if (line == 0) {
            to.division.inputs = division.needs;
            to.seconds += input_seconds(to.division.inputs);
        }
        to.division.lines.push_back(std::move(division));
        return to;
    }

    void stay(std::size_t line, State& state) const {
        const PlanStep& step = plan_.steps[line];
        LineDivision division;
        division.has = shares_of(state.owners, ranks_);
        division.seconds = step.cost * machines_.nominal_seconds *
                           static_cast<double>(largest(division.has)) / static_cast<double>(step.elements);
        state.seconds += division.seconds + (line == 0 ? input_seconds(state.division.inputs) : 0);
        state.division.lines.push_back(std::move(division));
    }

    [[nodiscard]] double input_seconds(const Shares& inputs) const {
        const Parameters& parameters = plan_.client.parameters;
        std::size_t values = 0;
        for (std::size_t rank = 1; rank < ranks_; ++rank) {
            values += inputs[rank].size();
        }
        return static_cast<double>(values * fresh_bytes(parameters.n, parameters.data_primes.size(), true)) /
               machines_.bytes_per_second;
    }

    void finish(State& state) const {
        const Parameters& parameters = plan_.client.parameters;
        LaneDivision& division = state.division;
        division.ranks = ranks_;
        division.input_bytes = fresh_bytes(parameters.n, parameters.data_primes.size(), true);
        division.reply_bytes = value_bytes(parameters.n, before_.back().limbs, before_.back().size);
        const std::size_t away = state.owners.size() - static_cast<std::size_t>(std::count(
                                                           state.owners.begin(), state.owners.end(), 0U));
        state.seconds += static_cast<double>(away * division.reply_bytes) / machines_.bytes_per_second;
    }

    const ExpandedModel& model_;
    const Plan& plan_;
    const Machines& machines_;
    std::size_t ranks_;
    std::vector<Level> before_;  // [line]; and one entry behind the last
    WeightMatrix joined_;        // what JoinStep does
};

std::uint64_t bytes_of(const std::vector<Message>& messages, std::uint64_t each) {
    std::uint64_t sum = 0;
    for (const Message& message : messages) {
        sum += message.values.size() * each;
    }
    return sum;
}

}  // namespace

std::uint64_t LineDivision::bytes() const {
    return bytes_of(messages, value_bytes) + bytes_of(returns, sum_bytes);
}

double LaneDivision::seconds() const {
    double sum = 0;
    for (const LineDivision& line : lines) {
        sum += line.seconds + line.exchange_seconds;
    }
    return sum;
}

std::uint64_t LaneDivision::request_bytes(std::size_t rank) const {
    return inputs[rank].size() * input_bytes;
}

std::uint64_t LaneDivision::reply_bytes_of(std::size_t rank) const {
    return lines.back().has[rank].size() * reply_bytes;
}

std::uint64_t value_bytes(std::size_t n, std::size_t limbs, std::size_t parts) {
    return std::uint64_t{sizeof(std::uint64_t)} * n * limbs * parts;
}

std::uint64_t fresh_bytes(std::size_t n, std::size_t limbs, bool seeded) {
    return seeded ? value_bytes(n, limbs, 1) + sizeof(Seed) : value_bytes(n, limbs, 2);
}

LaneDivision divide_lane(const ExpandedModel& model, const Plan& plan, const Machines& machines) {
    if (plan.client.packing == Packing::packed) {
        return divide_giant_steps(model, plan, machines);
    }
    return LaneDivider(model, plan, machines).run();
}

}  // namespace lacuna
