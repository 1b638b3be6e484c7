// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/client/client_plan.h>

namespace lacuna {

/// Throws Error unless the context has every parameter of the plan's, in its order: the proofs hold for them
/// alone, and a client decrypts under them.
void check_context(const Context& context, const Parameters& planned);

/// Throws Error unless the keys that the plan asks for are there, of this ring, and whole.
void check_keys(const EvaluationKeys& keys, const Ring& ring, const ClientPlan& plan);

}  // namespace lacuna
