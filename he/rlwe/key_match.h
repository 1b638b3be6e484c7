// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>

namespace lacuna {

// Whether keys belong together. A key of another secret would encrypt or compute without any error, and
// the result would decrypt to noise. The answers are for the owner of the secret: yes or no for whole keys,
// found without a branch on a coefficient, and nothing of the errors leaves here.

/// Whether the public key was made with this secret: b + a s is an error that key generation can draw (at
/// most error_bound in each coefficient). Another secret passes with a chance of (43 / q_0)^n.
[[nodiscard]] bool matches(const Ring& ring, const SecretKey& secret, const PublicKey& key);

/// Whether every one of the evaluation keys was made with this secret, each digit looked at modulo one of its
/// own primes: b_d + a_d s'' - P s' is such an error. True for keys that hold nothing. Key switching keys
/// have to be expanded, as loading leaves them.
[[nodiscard]] bool matches(const Ring& ring, const SecretKey& secret, const EvaluationKeys& keys);

/// Without the secret: whether the public key among the evaluation keys is this very one. Nothing where there
/// is none among them.
[[nodiscard]] std::optional<bool> holds(const EvaluationKeys& keys, const PublicKey& key);

}  // namespace lacuna
