// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>

namespace lacuna {

/// What a client gives to a server: all that it needs to compute, and nothing that decrypts. All of them
/// belong to one ring and were made with one secret.
struct EvaluationKeys {
    RingHash ring{};
    std::optional<PublicKey> public_key;  ///< to re-randomise replies, and to tell clients apart
    std::optional<RelinKeys> relin_keys;
    GaloisKeys galois_keys;  ///< without entries where nothing rotates
};

}  // namespace lacuna
