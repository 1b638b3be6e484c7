// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/circuit.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include <lacuna/he/fv/ciphertext_size.h>
#include <lacuna/nn/model/overloaded.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/nn/program/compile.h>
#include <lacuna/nn/program/cost_replay.h>
#include <lacuna/nn/program/noise_replay.h>

namespace lacuna {

namespace {

/// Whether the first activation can be an unscaled square: it squares fresh symmetric encryptions or scalar
/// sums of such, and no later one adds up values that carry different factors.
bool unscaled_squares_fit(std::span<const Stage> stages, const ProgramSetting& setting) {
    const auto is_power = [](const Stage& stage) {
        return stage.linear || (stage.powers.back() != 0 && !stage.has_lower_powers());
    };
    const auto first = std::find_if(stages.begin(), stages.end(), [](const Stage& s) { return !s.linear; });
    return std::visit([](const auto& rules) { return rules.squares_unscaled; },
                      rules_of(setting.packing, plain_power(setting.parameters))) &&
           !setting.public_encryption && first != stages.end() && first - stages.begin() <= 1 &&
           first->powers.size() == 3 && first->powers[2] == 1 && std::all_of(first, stages.end(), is_power);
}

/// Whether ciphertexts have no more parts than there may be where nothing is relinearised: two squares in
/// sequence, or one product of two.
bool keyless_fits(std::span<const Stage> stages, const ProgramSetting& setting) {
    std::size_t parts = 2;
    for (const Stage& stage : stages) {
        if (stage.linear) {
            continue;
        }
        std::size_t degree = stage.powers.size() - 1;
        while (degree > 1 && stage.powers[degree] == 0) {
            --degree;
        }
        parts = degree < 2 ? parts : degree == 2 ? 2 * parts - 1 : max_ciphertext_parts + 1;
    }
    return parts > 2 && parts <= max_ciphertext_parts && setting.privacy_bits == 0 &&
           std::none_of(stages.begin(), stages.end(), [](const Stage& s) { return s.diagonals.has_value(); });
}

/// The end of every line of a program: calls visit(first step, one behind the last).
template <typename Visit>
bool for_each_line(const Program& program, const Visit& visit) {
    for (std::size_t begin = 0, end = 0; begin < program.size(); begin = end) {
        while (end < program.size() && program[end].line == program[begin].line) {
            ++end;
        }
        if (!visit(begin, end)) {
            return false;
        }
    }
    return true;
}

/// Ciphertexts of a reply, over all plaintext moduli.
std::size_t replies_of(std::span<const Stage> stages, const ProgramSetting& setting) {
    const bool joined = !setting.keyless && !stages.empty() &&
                        std::visit([&](const auto& rules) { return rules.joins(stages.back().elements); },
                                   rules_of(setting.packing, plain_power(setting.parameters)));
    return (joined || stages.empty() ? 1 : stages.back().elements) * setting.moduli;
}

/// Tries levels for one program and keeps the lowest ones that decrypt.
class LevelSearch {
  public:
    LevelSearch(std::span<const Stage> stages, const ProgramSetting& setting, const NoiseModel& noise,
                const CostModel& cost, bool unscaled)
        : stages_(stages), setting_(setting), noise_(noise), cost_(cost) {
        choices_.unscaled = unscaled;
        choices_.limbs.assign(stages.size(), noise.max_limbs());
    }

    /// Levels that were found before.
    void set_levels(const std::vector<std::size_t>& limbs) { choices_.limbs = limbs; }

    /// Whether the program decrypts with these choices.
    [[nodiscard]] bool holds() const { return replay(compile()).has_value(); }

    /// The lowest level for every stage, from the first on, from which the rest still decrypts without
    /// further drops. Fresh inputs stay where they are: the client would send less if the top level were
    /// lower; and so do those of an unscaled square.
    void lower_levels() {
        std::size_t first = 1;
        if (choices_.unscaled) {
            const auto square = std::find_if(stages_.begin(), stages_.end(),
                                             [](const Stage& stage) { return !stage.linear; });
            first = static_cast<std::size_t>(square - stages_.begin()) + 1;
        }
        for (std::size_t s = first; s < stages_.size(); ++s) {
            const std::vector<std::size_t> before = choices_.limbs;
            for (std::size_t limbs = 1; limbs < before[s]; ++limbs) {
                std::fill(choices_.limbs.begin() + static_cast<std::ptrdiff_t>(s), choices_.limbs.end(),
                          limbs);
                if (holds()) {
                    break;
                }
                choices_.limbs = before;
            }
        }
    }

    /// The program with these choices, which decrypts, and its accounts. least_reply_limbs: of its reply.
    [[nodiscard]] Circuit circuit(std::size_t least_reply_limbs = 1) {
        Circuit circuit;
        const NoiseReplay output = *replay(compile());
        circuit.output_budget_bits = output.budget();
        circuit.reply_limbs = output.estimate().limbs;
        for (std::size_t limbs = least_reply_limbs; limbs < output.estimate().limbs; ++limbs) {
            if (noise_.budget(output.switched(limbs)) > 0) {
                circuit.reply_limbs = choices_.reply_limbs = limbs;
                break;
            }
        }
        circuit.program = compile();
        circuit.choices = choices_;
        choices_.reply_limbs = 0;
        for (Step& step : circuit.program) {
            if (auto* flood = std::get_if<FloodStep>(&step.kind)) {
                flood->bits = output.flood_bits();
            }
            circuit.relinearizes |= step.get_if<RelinearizeStep>() != nullptr;
        }
        circuit.steps = lines(circuit.program);
        circuit.reply_budget_bits = circuit.steps.back().budget_bits;
        circuit.reply_parts = circuit.steps.back().size;
        return circuit;
    }

  private:
    [[nodiscard]] Program compile() const { return lacuna::compile(stages_, setting_, cost_, choices_); }

    [[nodiscard]] NoiseReplay start() const {
        return {noise_,
                stages_,
                setting_.public_encryption ? noise_.fresh_public() : noise_.fresh_symmetric(),
                0,
                setting_.privacy_bits,
                setting_.moduli};
    }

    /// The noise at the end, or nothing where a line does not decrypt.
    [[nodiscard]] std::optional<NoiseReplay> replay(const Program& program) const {
        NoiseReplay noise = start();
        const bool decrypts = for_each_line(program, [&](std::size_t begin, std::size_t end) {
            std::for_each(program.begin() + static_cast<std::ptrdiff_t>(begin),
                          program.begin() + static_cast<std::ptrdiff_t>(end),
                          [&](const Step& step) { noise.run(step); });
            return noise.holds();
        });
        return decrypts ? std::optional(std::move(noise)) : std::nullopt;
    }

    /// The printed plan.
    [[nodiscard]] std::vector<PlanStep> lines(const Program& program) const {
        std::vector<PlanStep> result;
        NoiseReplay noise = start();
        CostReplay cost(cost_, stages_, noise_.max_limbs(), 0);
        for_each_line(program, [&](std::size_t begin, std::size_t end) {
            PlanStep& line = result.emplace_back();
            line.begin = begin;
            line.end = end;
            for (std::size_t s = begin; s < end; ++s) {
                noise.run(program[s]);
                const auto* product = program[s].get_if<ProductStep>();
                line.unscaled |= product != nullptr && product->unscaled;
            }
            const Step& last = program[end - 1];
            describe(last, line);
            line.elements = last.elements;
            line.limbs = noise.estimate().limbs;
            line.size = noise.estimate().size;
            line.budget_bits = noise.budget();
            line.noise_bits = noise_.log_bound(noise.estimate());
            line.cost = cost.run(std::span(program).subspan(begin, end - begin));
            line.reason = last.reason;
            return true;
        });
        return result;
    }

    /// What the last step of a line says of it.
    static void describe(const Step& last, PlanStep& line) {
        using Kind = PlanStep::Kind;
        line.kind = std::visit(Overloaded{
                                   [](const LinearStep&) { return Kind::linear; },
                                   [](const ProductStep&) { return Kind::activation; },
                                   [](const WeightedSumStep&) { return Kind::activation; },
                                   [](const RelinearizeStep&) { return Kind::relinearize; },
                                   [](const ModSwitchStep&) { return Kind::mod_switch; },
                                   [](const MaskStep&) { return Kind::mask; },
                                   [](const FloodStep&) { return Kind::flood; },
                                   [](const JoinStep&) { return Kind::join; },
                               },
                               last.kind);
        if (const auto* linear = last.get_if<LinearStep>()) {
            line.layer = linear->layer;
        } else if (const auto* sum = last.get_if<WeightedSumStep>()) {
            line.layer = sum->layer;
        } else if (const auto* flood = last.get_if<FloodStep>()) {
            line.flood_bits = flood->bits;
        }
    }

    std::span<const Stage> stages_;
    const ProgramSetting& setting_;
    const NoiseModel& noise_;
    const CostModel& cost_;
    Choices choices_;
};

}  // namespace

double Circuit::cost() const {
    return std::accumulate(steps.begin(), steps.end(), 0.0,
                           [](double sum, const PlanStep& step) { return sum + step.cost; });
}

std::optional<Circuit> plan_circuit(std::span<const Stage> stages, const ProgramSetting& setting) {
    if (setting.keyless && !keyless_fits(stages, setting)) {
        return std::nullopt;
    }
    const std::size_t replies = replies_of(stages, setting);
    const NoiseModel noise(setting.parameters, log_t_of(setting.parameters), replies);
    const CostModel cost(setting.parameters);
    std::optional<Circuit> best;
    for (const bool unscaled : {false, true}) {
        if (unscaled && !unscaled_squares_fit(stages, setting)) {
            continue;
        }
        LevelSearch search(stages, setting, noise, cost, unscaled);
        if (!search.holds()) {
            continue;  // what fails at the top level fails below
        }
        for (const bool lower : {false, true}) {
            if (lower) {
                search.lower_levels();
            }
            Circuit circuit = search.circuit();
            if (!best || circuit.cost() <= best->cost()) {
                best = std::move(circuit);
            }
        }
    }
    if (best) {
        best->replies = replies;
    }
    return best;
}

std::optional<Circuit> replay_circuit(std::span<const Stage> stages, const ProgramSetting& setting,
                                      const Choices& choices) {
    const std::size_t replies = replies_of(stages, setting);
    const NoiseModel noise(setting.parameters, log_t_of(setting.parameters), replies);
    const CostModel cost(setting.parameters);
    const std::vector<std::size_t>& limbs = choices.limbs;
    if (limbs.empty() || limbs.size() != stages.size() || limbs.front() != noise.max_limbs() ||
        limbs.back() == 0 || !std::is_sorted(limbs.rbegin(), limbs.rend()) ||
        (choices.unscaled && !unscaled_squares_fit(stages, setting)) ||
        (setting.keyless && !keyless_fits(stages, setting))) {
        return std::nullopt;
    }
    LevelSearch search(stages, setting, noise, cost, choices.unscaled);
    search.set_levels(limbs);
    if (!search.holds()) {
        return std::nullopt;
    }
    Circuit circuit = search.circuit(std::max<std::size_t>(choices.reply_limbs, 1));
    circuit.replies = replies;
    return circuit;
}

}  // namespace lacuna
