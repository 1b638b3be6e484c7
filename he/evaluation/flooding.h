// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/fv/noise.h>

namespace lacuna {

/// The most bits that flood() takes.
inline constexpr int max_flood_bits = 700;

/// A ciphertext of the same message that says nothing else of the circuit behind `a`: re-randomised by a
/// fresh encryption of zero, and its noise drowned by adding to every coefficient of c_0 the sum of
/// NoiseModel::flood_summands integers uniform in [-2^flood_bits, 2^flood_bits). Noise of mean square sigma^2
/// moves the distribution of n coefficients by a statistical distance of at most
/// 1.09 sqrt(n) sigma / 2^(flood_bits + 1) (he/fv/noise.md, "Flooding"). a: size 2, coefficient form; t times
/// the largest sum at most Q_l / 2, or the flood would drown the message too, and flood_bits at most
/// max_flood_bits. `encryptor` needs the public key and the same ring. Throws Error otherwise.
[[nodiscard]] Ciphertext flood(const Context& context, const Encryptor& encryptor, const Ciphertext& a,
                               int flood_bits);

}  // namespace lacuna
