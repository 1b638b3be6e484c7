// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <lacuna/he/fv/noise.h>
#include <lacuna/nn/program/program.h>
#include <lacuna/nn/program/stage.h>

namespace lacuna {

/// Follows the noise of all values through a program, one step after the other: the worst of them. The noise
/// model and the stages must outlive it.
class NoiseReplay {
  public:
    /// privacy_bits, moduli: what a Flood is to reach, and how many replies it has to reach it for.
    NoiseReplay(const NoiseModel& noise, std::span<const Stage> stages, const NoiseEstimate& input,
                std::size_t elements, int privacy_bits, std::size_t moduli);

    void run(const Step& step);

    /// Of the values at hand.
    [[nodiscard]] const NoiseEstimate& estimate() const { return powers_[1]; }
    [[nodiscard]] double budget() const { return noise_->budget(estimate()); }
    /// Whether what there is decrypts, and can be flooded as it was.
    [[nodiscard]] bool holds() const;
    /// What the Flood that was run takes.
    [[nodiscard]] int flood_bits() const { return flood_bits_; }
    /// The values at hand at another level.
    [[nodiscard]] NoiseEstimate switched(std::size_t limbs) const {
        return noise_->mod_switch_to(estimate(), limbs);
    }

  private:
    [[nodiscard]] NoiseEstimate diagonals(const DiagonalAccount& account) const;
    void multiply(const ProductStep& product);
    void add_up(const Stage& stage, const WeightedSumStep& sum);
    void flood();

    const NoiseModel* noise_;
    std::span<const Stage> stages_;
    int privacy_bits_;
    std::size_t moduli_;
    std::vector<NoiseEstimate> powers_;  // [i]: x^i; [1]: the values at hand
    std::size_t elements_;
    int flood_bits_ = 0;
};

}  // namespace lacuna
