// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/rotation_schedule.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

int modulo(int value, int slots) {
    const int rest = value % slots;
    return rest < 0 ? rest + slots : rest;
}

/// Counts distinct (row, step) pairs; cleared in time proportional to what was counted.
class PairCounter {
  public:
    PairCounter(std::size_t rows, std::size_t slots) : slots_(slots), seen_(rows * slots) {}

    void add(std::size_t row, int step) {
        const std::size_t index = row * slots_ + static_cast<std::size_t>(step);
        if (step != 0 && !seen_[index]) {
            seen_[index] = true;
            touched_.push_back(index);
        }
    }
    [[nodiscard]] std::size_t count() const { return touched_.size(); }
    /// How many different distances there are from each step of a row, and from 0, to the next one.
    [[nodiscard]] std::size_t distances() {
        std::ranges::sort(touched_);
        distances_.clear();
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            const bool first = i == 0 || touched_[i] / slots_ != touched_[i - 1] / slots_;
            distances_.push_back(first ? touched_[i] % slots_ : touched_[i] - touched_[i - 1]);
        }
        std::ranges::sort(distances_);
        return static_cast<std::size_t>(std::ranges::unique(distances_).begin() - distances_.begin());
    }
    void clear() {
        for (const std::size_t index : touched_) {
            seen_[index] = false;
        }
        touched_.clear();
    }

  private:
    std::size_t slots_;
    std::vector<bool> seen_;
    std::vector<std::size_t> touched_;
    std::vector<std::size_t> distances_;
};

/// The baby step of a rotation that is split at multiples of `width`; all of it where width is 0.
int baby_of(int steps, int width, int slots) {
    return width == 0 ? modulo(steps, slots) : modulo(steps, width);
}

/// Slots as the steps' type has them.
int checked(std::size_t slots) {
    if (slots == 0 || slots > static_cast<std::size_t>(std::numeric_limits<int>::max() / 2)) {
        throw Error("rotation schedule: expected at least one slot, found " + std::to_string(slots));
    }
    return static_cast<int>(slots);
}

/// Of baby steps of inputs, and of giant steps of outputs.
std::pair<PairCounter, PairCounter> counters_for(std::span<const RotatedInput> rotations, std::size_t slots) {
    std::size_t outputs = 0;
    std::size_t inputs = 0;
    for (const RotatedInput& rotation : rotations) {
        outputs = std::max(outputs, rotation.output + 1);
        inputs = std::max(inputs, rotation.input + 1);
    }
    return {PairCounter(inputs, slots), PairCounter(outputs, slots)};
}

/// The width whose steps cost least: cost_of(babies, giants), each a PairCounter. Of those that were tried
/// before a stop was requested.
template <typename Cost>
int cheapest_width(std::span<const RotatedInput> rotations, std::size_t slots, const Cost& cost_of,
                   const std::stop_token& stop = {}) {
    const int k = checked(slots);
    auto [babies, giants] = counters_for(rotations, slots);
    double best_cost = std::numeric_limits<double>::infinity();
    int best_width = 0;
    for (int width = 0; width < k && !stop.stop_requested(); ++width) {
        babies.clear();
        giants.clear();
        for (const RotatedInput& rotation : rotations) {
            const int baby = baby_of(rotation.steps, width, k);
            babies.add(rotation.input, baby);
            giants.add(rotation.output, modulo(rotation.steps - baby, k));
        }
        const double cost = cost_of(babies, giants);
        if (cost < best_cost) {
            best_cost = cost;
            best_width = width;
        }
    }
    return best_width;
}

}  // namespace

std::vector<int> giants_of(const RotationSchedule& schedule, std::size_t output) {
    std::set<int, std::greater<>> giants;
    for (const RotationSchedule::Term& term : schedule.terms) {
        if (term.output == output) {
            giants.insert(term.giant);
        }
    }
    return {giants.begin(), giants.end()};
}

std::vector<int> RotationSchedule::steps() const {
    std::set<int> result;
    std::set<std::size_t> outputs;
    for (const Term& term : terms) {
        result.insert(term.baby);
        outputs.insert(term.output);
        if (!chained) {
            result.insert(term.giant);
        }
    }
    for (const std::size_t output : outputs) {
        if (chained) {
            const std::vector<int> giants = giants_of(*this, output);
            for (std::size_t i = 0; i < giants.size(); ++i) {
                result.insert(giants[i] - (i + 1 < giants.size() ? giants[i + 1] : 0));
            }
        }
    }
    result.erase(0);
    return {result.begin(), result.end()};
}

RotationSchedule schedule_rotations(std::span<const RotatedInput> rotations, std::size_t slots,
                                    double giant_cost) {
    const auto cost = [&](const PairCounter& babies, const PairCounter& giants) {
        return static_cast<double>(babies.count()) + giant_cost * static_cast<double>(giants.count());
    };
    return schedule_at(rotations, slots, cheapest_width(rotations, slots, cost));
}

RotationSchedule schedule_chained(std::span<const RotatedInput> rotations, std::size_t slots,
                                  const std::stop_token& stop) {
    const auto cost = [](const PairCounter& babies, PairCounter& giants) {
        return static_cast<double>(babies.count()) + chained_step_cost * static_cast<double>(giants.count()) +
               chained_key_cost * static_cast<double>(giants.distances());
    };
    return schedule_at(rotations, slots, cheapest_width(rotations, slots, cost, stop), true);
}

RotationSchedule schedule_at(std::span<const RotatedInput> rotations, std::size_t slots, int width,
                             bool chained) {
    const int k = checked(slots);
    if (width < 0 || width >= k) {
        throw Error("rotation schedule: expected a width of 0 ... " + std::to_string(k - 1) + ", found " +
                    std::to_string(width));
    }
    auto [babies, giants] = counters_for(rotations, slots);
    RotationSchedule schedule;
    schedule.width = width;
    schedule.chained = chained;
    for (const RotatedInput& rotation : rotations) {
        const int baby = baby_of(rotation.steps, width, k);
        const int giant = modulo(rotation.steps - baby, k);
        schedule.terms.push_back({rotation.output, rotation.input, giant, baby});
        babies.add(rotation.input, baby);
        giants.add(rotation.output, giant);
    }
    schedule.babies = babies.count();
    schedule.giants = giants.count();
    return schedule;
}

}  // namespace lacuna
