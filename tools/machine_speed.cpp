// SPDX-License-Identifier: Apache-2.0
#include "tools/machine_speed.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <lacuna/nn/program/cost_model.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

double seconds_per_nominal_second(const Parameters& parameters) {
    using Clock = std::chrono::steady_clock;
    constexpr int rounds = 40;
    const NttTables tables(parameters.n, Modulus(parameters.data_primes.front()));
    Buffer words(parameters.n);
    for (std::size_t i = 0; i < parameters.n; ++i) {
        words[i] = i;
    }
    double best = std::numeric_limits<double>::infinity();  // the least disturbed round
    for (int round = 0; round < rounds; ++round) {
        const Clock::time_point start = Clock::now();
        tables.forward(words.span());
        best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
    }
    return best / nominal_transform_nanoseconds(parameters.n);
}

}  // namespace lacuna
