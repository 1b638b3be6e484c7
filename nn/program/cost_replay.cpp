// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/cost_replay.h>

#include <lacuna/nn/model/overloaded.h>

namespace lacuna {

double CostReplay::run(std::span<const Step> line) {
    Cost sum;
    for (const Step& step : line) {
        const Cost cost = of(step);
        sum.of_all += cost.of_all;
        sum.of_each += cost.of_each;
    }
    limbs_ = line.back().limbs;
    elements_ = line.back().elements;
    return sum.of_all + static_cast<double>(elements_) * sum.of_each;
}

CostReplay::Cost CostReplay::of(const Step& step) const {
    return std::visit(Overloaded{
                          [&](const LinearStep& linear) -> Cost {
                              if (stages_[linear.stage].diagonals) {
                                  return {cost_->diagonals(*stages_[linear.stage].diagonals, limbs_), 0};
                              }
                              return {cost_->linear(stages_[linear.stage].terms, step.size, limbs_), 0};
                          },
                          [&](const ProductStep& product) -> Cost {
                              // A square of three parts transforms 3 polynomials there and 5 back, one of two
                              // parts 2 and 3.
                              const double more = step.size > 3 ? 8.0 / 5.0 : 1.0;
                              return {0, product.unscaled
                                             ? cost_->square_unscaled(limbs_)
                                             : more * cost_->multiply(limbs_, product.powers.is_square())};
                          },
                          [&](const RelinearizeStep&) -> Cost {
                              return {0, cost_->relinearize(limbs_)};
                          },
                          [](const WeightedSumStep&) -> Cost { return {}; },  // little next to the products
                          [&](const ModSwitchStep&) -> Cost {
                              return {0, cost_->mod_switch(step.size, limbs_)};
                          },
                          [&](const MaskStep&) -> Cost {
                              return {0, cost_->mask()};
                          },
                          [&](const FloodStep&) -> Cost {
                              return {0, cost_->flood(limbs_)};
                          },
                          [&](const JoinStep&) -> Cost {
                              return {cost_->linear(static_cast<double>(elements_), step.size, limbs_), 0};
                          },
                      },
                      step.kind);
}

}  // namespace lacuna
