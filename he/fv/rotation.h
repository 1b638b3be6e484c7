// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lacuna/he/fv/plain_modulus.h>

namespace lacuna {

/// The Galois element that turns the slots of a plaintext modulus by `steps`. Modulo an integer that is a
/// rotation of the two rows of n/2; modulo x^k - b the k slots are one row, and x -> x^(1 + 2n/k) turns them
/// by one.
[[nodiscard]] std::uint32_t rotation_element(std::size_t n, const PlainModulus& t, int steps);

/// The same for several, as KeyGenerator::galois_keys_for() takes them.
[[nodiscard]] std::vector<std::uint32_t> rotation_elements(std::size_t n, const PlainModulus& t,
                                                           std::span<const int> steps);

}  // namespace lacuna
