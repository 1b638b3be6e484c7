// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lacuna/he/fv/parameters.h>

namespace lacuna {

/// What a circuit needs, in the words of somebody who does not want to choose primes.
struct Requirements {
    int depth = 1;         ///< multiplications in sequence, each relinearised
    int plain_bits = 20;   ///< size of the plaintext modulus
    bool batching = true;  ///< whether values sit in slots (t a prime = 1 mod 2n)
    double fan_in = 1;     ///< sum of |w| of the sums between multiplications
    int security = 128;
};

/// The smallest ring, and in it the shortest chain of primes, whose noise bound (NoiseModel) lets the circuit
/// decrypt. Throws Error that says what is out of reach and what to change.
[[nodiscard]] Parameters advise(const Requirements& requirements);

/// Sizes of `total` bits altogether, as few as possible and nearly equal, none above 50. total > 0.
[[nodiscard]] std::vector<int> even_chain(int total);

}  // namespace lacuna
