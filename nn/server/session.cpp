// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/session.h>

#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna {

Session::Session(const Model& model, const Plan& plan, EvaluationKeys keys)
    : Session(std::make_shared<const CompiledModel>(model, plan),
              std::make_shared<const EvaluationKeys>(std::move(keys))) {}

Session::Session(const Model& model, const Plan& plan, Context context, EvaluationKeys keys)
    : Session(std::make_shared<const CompiledModel>(model, plan, std::move(context)),
              std::make_shared<const EvaluationKeys>(std::move(keys))) {}

Session::Session(std::shared_ptr<const CompiledModel> model, std::shared_ptr<const EvaluationKeys> keys)
    : model_(std::move(model)), keys_(std::move(keys)) {
    if (!model_ || !keys_) {
        throw Error("session: expected a compiled model and evaluation keys, found none; make them first");
    }
    model_->check(*keys_);
}

EncryptedTensor Session::infer(SeededTensor input, const RunControl& control, const Observer& observe) const {
    return model_->infer(*keys_, std::move(input), control, observe);
}

EncryptedTensor Session::infer(EncryptedTensor input, const RunControl& control,
                               const Observer& observe) const {
    return model_->infer(*keys_, std::move(input), control, observe);
}

}  // namespace lacuna
