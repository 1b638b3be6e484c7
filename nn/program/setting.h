// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/nn/packing/packing.h>

namespace lacuna {

/// What fixes a program besides the model and what noise decides (Choices).
struct ProgramSetting {
    Parameters parameters;  ///< primes by size or by value, with the plaintext moduli
    Packing packing = Packing::slots;
    bool keyless = false;            ///< nothing is relinearised: squares of squares have five parts
    int privacy_bits = 0;            ///< 0: the reply is not flooded
    bool public_encryption = false;  ///< of the images
    std::size_t moduli = 1;  ///< plaintext moduli, or sets of packed images: so many replies are flooded
};

/// log2 of the largest plaintext modulus, as NoiseModel takes it.
[[nodiscard]] double log_t_of(const Parameters& parameters);

}  // namespace lacuna
