// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace lacuna {

/// One product of the power basis: x^power() = x^low x^high. This is the only place that says how a power is
/// taken apart; proofs, counts and the evaluator go through the lists that power_products() makes.
struct PowerProduct {
    std::size_t low = 1;
    std::size_t high = 1;

    [[nodiscard]] std::size_t power() const { return low + high; }
    [[nodiscard]] bool is_square() const { return low == high; }
    bool operator==(const PowerProduct&) const = default;
};

/// x^power = x^(power / 2) x^(power - power / 2), of the lowest depth that there is; power >= 2.
[[nodiscard]] PowerProduct halves(std::size_t power);

/// The products that make every power x^i, i >= 2, with needed[i], each one once and after those of its
/// factors. The highest power comes as early as it can.
[[nodiscard]] std::vector<PowerProduct> power_products(const std::vector<bool>& needed);

}  // namespace lacuna
