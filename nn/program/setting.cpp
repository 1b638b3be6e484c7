// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/setting.h>

#include <algorithm>
#include <cmath>

namespace lacuna {

double log_t_of(const Parameters& parameters) {
    double largest = 0;
    for (const int bits : parameters.plain_bits) {
        largest = std::max(largest, static_cast<double>(bits));
    }
    for (const std::uint64_t t : parameters.plain_moduli) {
        largest = std::max(largest, std::log2(static_cast<double>(t)));
    }
    for (const PlainModulus& t : parameters.plain_polynomials) {
        largest = std::max(largest, t.log_bound());
    }
    return largest;
}

}  // namespace lacuna
