// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lacuna::bench {

/// Parameters at which ours and the peers' operations are timed: 50-bit primes at n = 8192, and the sizes
/// that SEAL chooses by default for 128 bits (its table allows a few bits more than ours) at 4096 and 16384.
/// The last size is the special prime's.
struct Setting {
    std::size_t n;
    std::vector<int> bits;
};

inline const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = {
        {4096, {36, 36, 37}},
        {8192, {50, 50, 50, 50}},
        {16384, {48, 48, 48, 49, 49, 49, 49, 49, 49}},
    };
    return all;
}

inline constexpr int plain_bits = 20;

/// Of the monomials c x^5 that ciphertexts are multiplied by.
inline constexpr std::array<std::int64_t, 2> monomial_coefficients = {1, 3};

// Each adds a peer's operations for a setting, or says how the peer was built; defined only where the peer is
// installed (LACUNA_BENCH_SEAL, LACUNA_BENCH_OPENFHE).
void register_seal(const Setting& setting);
[[nodiscard]] std::string seal_build();
void register_openfhe(const Setting& setting);
[[nodiscard]] std::string openfhe_build();

}  // namespace lacuna::bench
