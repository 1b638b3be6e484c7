// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <lacuna/he/rlwe/ring.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/compiled_model.h>

namespace lacuna::service {

/// One model under one plan, as the operator asks for it.
struct ServedEntry {
    std::string name;   ///< in paths; empty: the model's own
    std::string model;  ///< a shipped model's name, or a file
    PlanRequest request;
    /// What `lacuna plan --out` wrote for this model; empty: it is planned as the request says.
    std::filesystem::path plan{};
};

/// What is answered under one name.
struct ServedModel {
    std::string name;
    std::shared_ptr<const CompiledModel> compiled;
    std::string client_plan;  ///< the client's half as JSON
    std::string plan;         ///< plan_id()
};

/// Every model that a server answers for. Immutable: a reload makes another one, and requests that have begun
/// keep theirs.
class ServedModels {
  public:
    /// Plans and compiles each. Throws Error, and Stopped.
    ServedModels(const std::vector<ServedEntry>& entries, const std::stop_token& stop);

    /// Throws RequestError 404.
    [[nodiscard]] std::shared_ptr<const ServedModel> find(std::string_view name) const;
    /// Any model under this ring. Throws RequestError 422 where there is none.
    [[nodiscard]] std::shared_ptr<const ServedModel> find(const RingHash& ring) const;
    /// The answer to GET /v1/models.
    [[nodiscard]] std::string list() const;

  private:
    std::map<std::string, std::shared_ptr<const ServedModel>, std::less<>> models_;
};

/// A file that names models and plans, {"models": [{"model": "faster-cryptonets", "name": "digits", "batch":
/// 1, "packing": "radix", "security": 128, "privacy_bits": 0, "plain_moduli": 1, "public_encryption": false},
/// {"model": "faster-cryptonets", "plan": "server.plan"}, ...]}; all but "model" may be left out, and beside
/// a compiled plan what plans are asked for has to be. Throws Error.
[[nodiscard]] std::vector<ServedEntry> load_served_entries(const std::filesystem::path& file);

}  // namespace lacuna::service
