// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lacuna {

/// What fixes a ring and its keys, whatever is encrypted in it. The fields are those of Parameters, which has
/// plaintext moduli beside them.
struct RingParameters {
    std::size_t n = 8192;
    std::vector<int> data_bits{};
    std::vector<std::uint64_t> data_primes{};
    std::vector<int> special_bits{};
    std::vector<std::uint64_t> special_primes{};
    std::size_t digit_limbs = 1;
    int security = 128;
    bool allow_insecure = false;

    bool operator==(const RingParameters&) const = default;
};

/// The same with every prime written out by value. Throws one Error that lists every problem found, each with
/// what to do. It knows no noise: whether there is room for a message is for the scheme on top to say.
[[nodiscard]] RingParameters resolve_ring(const RingParameters& parameters);

}  // namespace lacuna
