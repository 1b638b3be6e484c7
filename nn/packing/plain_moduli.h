// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmpxx.h>

namespace lacuna {

/// `count` distinct primes = 1 mod 2n, none larger than need be for their product to exceed `needed`: every
/// bit of a plaintext modulus is paid for three times over in Q. Empty where they would not stay below 2^50.
[[nodiscard]] std::vector<std::uint64_t> neighbouring_primes(std::size_t n, std::size_t count,
                                                             const mpz_class& needed);

}  // namespace lacuna
