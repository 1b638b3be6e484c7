// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <lacuna/he/fv/reduced_ciphertext.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/client/encrypted_tensor.h>

namespace lacuna {

/// How the plan lets a reply of one limb travel: without the low bits that the noise leaves meaningless, and
/// with those coefficients of c_0 only that hold logits.
[[nodiscard]] Reduction reply_reduction(const Ring& ring, const ClientPlan& plan);

/// Replaces a reply by what the client will have of it once it has travelled. Returns the bytes that it
/// takes.
std::uint64_t shorten_reply(const Ring& ring, const ClientPlan& plan, EncryptedTensor& reply);

}  // namespace lacuna
