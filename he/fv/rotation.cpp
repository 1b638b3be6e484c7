// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/rotation.h>

#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

std::uint32_t rotation_element(std::size_t n, const PlainModulus& t, int steps) {
    return t.is_integer() ? rotation_element(n, steps)
                          : rotation_element(n, 1 + 2 * n / t.power(), t.power(), steps);
}

std::vector<std::uint32_t> rotation_elements(std::size_t n, const PlainModulus& t,
                                             std::span<const int> steps) {
    std::vector<std::uint32_t> elements;
    for (const int step : steps) {
        elements.push_back(rotation_element(n, t, step));
    }
    return elements;
}

}  // namespace lacuna
