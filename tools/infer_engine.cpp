// SPDX-License-Identifier: Apache-2.0
#include "tools/infer_engine.h"

#include <map>
#include <utility>

namespace lacuna {

InferEngine own_engine() {
    struct State {
        std::map<std::string, std::shared_ptr<const CompiledModel>> models;
        std::map<std::pair<std::string, KeySetId>, Session> sessions;
    };
    const auto state = std::make_shared<State>();
    InferEngine engine;
    engine.prepare = [state](const std::string& name, const Model& model, const Plan& plan,
                             const Context& context, const InferEngine::Setting&) {
        state->models.emplace(name, std::make_shared<const CompiledModel>(model, plan, context));
        return std::size_t{1};
    };
    engine.add_keys = [state](const std::string& name, const KeySetId& id,
                              std::shared_ptr<const EvaluationKeys> keys) {
        state->sessions.emplace(std::pair{name, id}, Session(state->models.at(name), std::move(keys)));
    };
    engine.answer = [state](const std::string& name, const KeySetId& id, std::vector<Upload> uploads,
                            const RunControl& control) {
        std::vector<EncryptedTensor> replies;
        for (Upload& upload : uploads) {
            replies.push_back(std::visit(
                [&](auto& tensor) {
                    return state->sessions.at({name, id}).infer(std::move(tensor), control);
                },
                upload));
        }
        return replies;
    };
    engine.account = [](nlohmann::ordered_json&) {};
    return engine;
}

}  // namespace lacuna
