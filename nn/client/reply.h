// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <lacuna/he/fv/reduced_ciphertext.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/client/encrypted_tensor.h>

namespace lacuna {

/// What a reply of one limb keeps when it is sent. Left out are low bits of c_0 and c_1, which mean nothing
/// under the noise, and coefficients of c_0 that hold no logit; the plan says which.
[[nodiscard]] Reduction reply_reduction(const Ring& ring, const ClientPlan& plan);

/// Shortens a reply as sending it would, and restores it as receiving it would. Returns the bytes that it
/// takes in between.
std::uint64_t shorten_reply(const Ring& ring, const ClientPlan& plan, EncryptedTensor& reply);

}  // namespace lacuna
