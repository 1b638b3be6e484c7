// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lacuna/ntt/modulus.h>

namespace lacuna {

[[nodiscard]] bool is_prime(std::uint64_t value);

/// The `count` largest primes p of exactly `bits` bits (at most 50) with p = 1 mod 2n that are not in
/// `excluded`, in falling order. n is a power of two. Throws Error where there are not that many.
[[nodiscard]] std::vector<std::uint64_t> ntt_primes(std::size_t n, int bits, std::size_t count,
                                                    std::span<const std::uint64_t> excluded = {});

/// The smallest primitive 2n-th root of unity modulo the prime q; q = 1 mod 2n. Throws Error otherwise. The
/// smallest, so that tables, and with them files, do not depend on how the root was found.
[[nodiscard]] std::uint64_t primitive_root(std::size_t n, const Modulus& q);

}  // namespace lacuna
