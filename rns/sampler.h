// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>
#include <lacuna/rns/random.h>

namespace lacuna {

/// The error distribution: the centred binomial over 2 x 21 coins, variance 10.5, sigma = 3.24 (at least
/// the 3.19 of the security tables), |e| <= 21, sampled without a branch or a table on secret bits.
inline constexpr int error_bound = 21;
inline constexpr double error_variance = 10.5;

/// Of a coefficient of a ternary secret.
inline constexpr double ternary_variance = 2.0 / 3.0;

/// Fills limb i of `out` with words uniform modulo prime i, from stream `first_stream + i` of the seed:
/// 64-bit words of the stream are masked to the prime's bit length, and those below the prime are taken in
/// order. The rule is part of the file format: a seeded ciphertext or key is expanded by it. The form is
/// `out`'s own.
void sample_uniform(const RnsBasis& basis, const Seed& seed, std::uint64_t first_stream, RnsPolynomial& out);

/// n words in two's complement, each -1, 0 or 1, uniform up to 2^-62.
[[nodiscard]] Buffer sample_ternary(std::size_t n, RandomStream& stream);
/// n words in two's complement from the error distribution.
[[nodiscard]] Buffer sample_error(std::size_t n, RandomStream& stream,
                                  const Kernels& kernels = active_kernels());

}  // namespace lacuna
