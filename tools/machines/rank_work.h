// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/plan/division.h>
#include <lacuna/nn/server/compiled_model.h>
#include "tools/machines/communicator.h"
#include "tools/machines/exchange.h"

namespace lacuna {

/// What rank 0 orders.
enum class Order : std::uint8_t {
    plan,     ///< number, threads, lane, division, plan, model
    keys,     ///< number, plan's number, bytes of an evaluation.keys
    request,  ///< plan's number, keys' number, whether seeded, seeds; ciphertexts follow as words
    account,  ///< answered by bytes: traffic, peak memory
    finish,   ///< exit code
};

/// A rank's part of a request, of one plaintext modulus.
using FreshPart = std::variant<std::vector<SeededCiphertext>, std::vector<Ciphertext>>;

/// A plan on one rank: its part of the model, compiled, and what it has sent so far.
class RankPlan {
  public:
    RankPlan(Communicator& ranks, const Model& model, const Plan& plan, Context context, Lane lane,
             std::shared_ptr<const LaneDivision> division);

    [[nodiscard]] const Plan& plan() const { return model_.plan(); }
    [[nodiscard]] const Context& context() const { return model_.context(); }
    [[nodiscard]] const Lane& lane() const { return lane_; }
    [[nodiscard]] const LaneDivision& division() const { return *part_.division; }
    [[nodiscard]] std::size_t rank() const { return part_.rank; }
    [[nodiscard]] Traffic& traffic() { return traffic_; }

    void check(const EvaluationKeys& keys) const { model_.check(keys); }
    /// This rank's values behind the last line, for plaintext modulus number m of the lane's.
    [[nodiscard]] std::vector<Ciphertext> run(const EvaluationKeys& keys, std::size_t m, FreshPart input,
                                              const RunControl& control);

  private:
    Communicator& ranks_;
    Lane lane_;
    ModelPart part_;
    CompiledModel model_;
    Traffic traffic_;
};

/// Does what rank 0 orders until that says finish; returns the exit code that it names. An Error is printed
/// with this rank's number and ends every rank.
[[nodiscard]] int work_for_rank_0(Communicator& ranks);

}  // namespace lacuna
