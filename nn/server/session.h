// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/nn/server/compiled_model.h>

namespace lacuna {

/// A compiled model and one client's evaluation keys: what answers that client's requests. It shares both,
/// and costs next to nothing beside them. Immutable and safe to use from several threads.
class Session {
  public:
    /// Compiles the model for one client. Throws Error where model, plan and keys do not belong together.
    Session(const Model& model, const Plan& plan, EvaluationKeys keys);
    /// The same for a context built before, which it shares; the helper primes of products are its own.
    Session(const Model& model, const Plan& plan, Context context, EvaluationKeys keys);
    /// For one more client of a model. Throws Error where the keys do not belong to its plan.
    Session(std::shared_ptr<const CompiledModel> model, std::shared_ptr<const EvaluationKeys> keys);

    [[nodiscard]] const Plan& plan() const { return model_->plan(); }
    [[nodiscard]] const Context& context() const { return model_->context(); }
    [[nodiscard]] const std::shared_ptr<const CompiledModel>& compiled() const { return model_; }

    /// CompiledModel::reserve().
    void reserve(const RunControl& control = {}) const { model_->reserve(control); }

    /// CompiledModel::infer() with this client's keys.
    using Observer = CompiledModel::Observer;
    [[nodiscard]] EncryptedTensor infer(SeededTensor input, const RunControl& control = {},
                                        const Observer& observe = {}) const;
    [[nodiscard]] EncryptedTensor infer(EncryptedTensor input, const RunControl& control = {},
                                        const Observer& observe = {}) const;

  private:
    std::shared_ptr<const CompiledModel> model_;
    std::shared_ptr<const EvaluationKeys> keys_;
};

}  // namespace lacuna
