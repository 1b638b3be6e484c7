// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/packing/bounds.h>
#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/program/circuit.h>

namespace lacuna {

/// A way to run a model that decrypts.
struct Candidate {
    Parameters parameters;  ///< resolved
    Circuit circuit;
    Packing packing = Packing::slots;
    std::shared_ptr<const PackedNetwork> network;  ///< of the packed packing
    std::size_t images = 1;                        ///< that share its ciphertexts
    double request_cost = 0;                       ///< of a whole batch
    std::vector<Stage> stages;                     ///< of the model in this packing
    bool keyless = false;                          ///< ProgramSetting::keyless

    /// How many low bits of c_0 and c_1 its reply can leave out.
    [[nodiscard]] std::array<int, 2> droppable_bits() const;
    /// What is left of its budget once so many are left out.
    [[nodiscard]] double reply_budget_bits(const std::array<int, 2>& dropped) const;
};

/// Images of a request in the packed packing: no more than were asked for, since the proof counts replies.
[[nodiscard]] std::size_t packed_batch(const PlanRequest& request);

/// The cheapest candidate of one packing over ring sizes, numbers of plaintext moduli, and sizes of primes;
/// with integers as plaintext moduli, but for the packed packing, where nothing is found that costs `limit`
/// or more: norms of diagonals take long to measure. Throws Stopped as the model says.
[[nodiscard]] std::optional<Candidate> best_candidate(const ExpandedModel& model, const PlanRequest& request,
                                                      Packing packing, const PackingBounds& bounds,
                                                      double limit = std::numeric_limits<double>::infinity());
/// The same for slots and radix modulo a binomial, over its k and b.
[[nodiscard]] std::optional<Candidate> best_binomial(const ExpandedModel& model, const PlanRequest& request,
                                                     Packing packing, const PackingBounds& bounds);

/// The candidate that a client's half and a recipe describe, with the proof of its noise done again; without
/// a network. Nothing where it does not decrypt, or where these parameters are not for such bounds.
[[nodiscard]] std::optional<Candidate> known_candidate(const ExpandedModel& model, const ClientPlan& client,
                                                       const PlanRecipe& recipe, const PackingBounds& bounds);
/// The request that a plan was made for.
[[nodiscard]] PlanRequest request_of(const ClientPlan& client, const PlanRecipe& recipe);

}  // namespace lacuna
