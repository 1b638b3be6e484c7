// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

/// The ciphertext and its rotations by these steps, summed: one raising of digits and one division. Size 2,
/// coefficient form.
[[nodiscard]] Ciphertext add_rotations(const Context& context, const Ciphertext& a,
                                       std::span<const int> steps, const GaloisKeys& keys, int threads = 1);

}  // namespace lacuna
