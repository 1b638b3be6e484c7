// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>

namespace lacuna {

/// Everything a server needs from a client, and nothing secret: what the plan asks for, each of one ring and
/// secret.
struct EvaluationKeys {
    RingHash ring{};
    std::optional<PublicKey> public_key;  ///< to re-randomise replies, and to tell clients apart
    std::optional<RelinKeys> relin_keys;
    GaloisKeys galois_keys;  ///< without entries where nothing rotates
};

}  // namespace lacuna
