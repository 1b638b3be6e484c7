// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/noise_replay.h>

#include <algorithm>
#include <optional>

#include <lacuna/he/evaluation/flooding.h>
#include <lacuna/nn/model/overloaded.h>

namespace lacuna {

NoiseReplay::NoiseReplay(const NoiseModel& noise, std::span<const Stage> stages, const NoiseEstimate& input,
                         std::size_t elements, int privacy_bits, std::size_t moduli)
    : noise_(&noise),
      stages_(stages),
      privacy_bits_(privacy_bits),
      moduli_(moduli),
      powers_(2, input),
      elements_(elements) {}

bool NoiseReplay::holds() const {
    return budget() > 0 && flood_bits_ <= max_flood_bits;
}

void NoiseReplay::run(const Step& step) {
    NoiseEstimate& values = powers_[1];
    std::visit(
        Overloaded{
            [&](const LinearStep& linear) {
                const Stage& stage = stages_[linear.stage];
                if (stage.diagonals) {
                    values = noise_->add_plain(diagonals(*stage.diagonals), stage.constant_coefficients);
                    return;
                }
                values = noise_->add_plain(noise_->linear(values, stage.norms), stage.constant_coefficients);
            },
            [&](const ProductStep& product) { multiply(product); },
            [&](const RelinearizeStep& relinearize) {
                powers_[relinearize.power] = noise_->relinearize(powers_[relinearize.power]);
            },
            [&](const WeightedSumStep& sum) { add_up(stages_[sum.stage], sum); },
            [&](const ModSwitchStep&) { values = switched(step.limbs); },
            [&](const MaskStep&) { values = noise_->add_plain(values); },
            [&](const FloodStep&) { flood(); },
            [&](const JoinStep&) { values = noise_->linear(values, static_cast<double>(elements_)); },
        },
        step.kind);
    elements_ = step.elements;
}

NoiseEstimate NoiseReplay::diagonals(const DiagonalAccount& account) const {
    NoiseEstimate result =
        noise_->diagonal_product(estimate(), account.babies > 0, account.most_giants, account.norms);
    for (const std::size_t rotations : account.folds) {
        result = noise_->add_rotations(result, rotations);
    }
    return result;
}

/// A prime that it drops is of no account before add_up(), where the product's weight is known.
void NoiseReplay::multiply(const ProductStep& product) {
    const std::size_t power = product.powers.power();
    powers_.resize(std::max(powers_.size(), power + 1));
    powers_[power] = product.unscaled
                         ? noise_->square_unscaled(estimate())
                         : noise_->multiply(powers_[product.powers.low], powers_[product.powers.high]);
}

void NoiseReplay::add_up(const Stage& stage, const WeightedSumStep& weighted) {
    std::optional<NoiseEstimate> sum;
    for (std::size_t i = weighted.highest; i >= 1; --i) {
        if (stage.powers[i] != 0) {
            const NoiseEstimate term = noise_->scale(powers_[i], stage.powers[i]);
            sum = sum ? noise_->add(*sum, term) : term;
        }
    }
    powers_[1] = noise_->add_plain(sum.value_or(estimate()), stage.constant_coefficients);
    if (weighted.drop) {
        const double roundings = stage.powers[weighted.highest] + (stage.has_lower_powers() ? 1 : 0);
        powers_[1] = noise_->drop_in_product(estimate(), roundings);
    }
}

void NoiseReplay::flood() {
    const NoiseModel::Flooding flooding = noise_->flood(estimate(), privacy_bits_, elements_ * moduli_);
    powers_[1] = flooding.estimate;
    flood_bits_ = flooding.bits;
}

}  // namespace lacuna
