// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace lacuna {

/// A noise term is a product of random polynomials, and linear in one of them. These are its other factors:
/// count(r) is how many of them occur to the r-th power. See he/fv/noise.md.
class NoiseFactors {
  public:
    static constexpr std::size_t highest_power = 15;

    [[nodiscard]] std::size_t count(std::size_t power) const { return counts_[power - 1]; }
    [[nodiscard]] bool none() const { return *this == NoiseFactors{}; }

    /// One more factor of its own, to this power.
    [[nodiscard]] NoiseFactors with(std::size_t power = 1) const {
        NoiseFactors result = *this;
        std::uint8_t& count = result.counts_[std::clamp<std::size_t>(power, 1, highest_power) - 1];
        count = static_cast<std::uint8_t>(std::min<int>(count + 1, 255));
        return result;
    }

    /// The power of the factor that with_repeated() raises; 0 where there is none up to `most`.
    [[nodiscard]] std::size_t repeatable(std::size_t most) const {
        for (std::size_t power = std::min(most, highest_power); power >= 1; --power) {
            if (counts_[power - 1] > 0) {
                return power;
            }
        }
        return 0;
    }
    /// The factor of the highest power up to `most` once more: the worst that a repeated factor can be.
    [[nodiscard]] NoiseFactors with_repeated(std::size_t most) const {
        const std::size_t power = repeatable(most);
        NoiseFactors result = *this;
        if (power > 0) {
            --result.counts_[power - 1];
        }
        return result.with(power + 1);
    }

    /// Whether the factors of `other`, highest powers first, are each at most the factor at the same place
    /// here.
    [[nodiscard]] bool covers(const NoiseFactors& other) const {
        int here = 0;
        int there = 0;
        for (std::size_t i = highest_power; i-- > 0;) {
            here += counts_[i];
            there += other.counts_[i];
            if (there > here) {
                return false;
            }
        }
        return true;
    }

    /// The least that covers both.
    [[nodiscard]] NoiseFactors join(const NoiseFactors& other) const {
        NoiseFactors result;
        int here = 0;
        int there = 0;
        int taken = 0;
        for (std::size_t i = highest_power; i-- > 0;) {
            here += counts_[i];
            there += other.counts_[i];
            result.counts_[i] = static_cast<std::uint8_t>(std::min(std::max(here, there) - taken, 255));
            taken += result.counts_[i];
        }
        return result;
    }

    bool operator==(const NoiseFactors&) const = default;
    bool operator<(const NoiseFactors& other) const { return counts_ < other.counts_; }

  private:
    std::array<std::uint8_t, highest_power> counts_{};
};

}  // namespace lacuna
