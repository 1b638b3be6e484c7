// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/server/session.h>
#include "tools/command.h"

namespace lacuna {

/// What computes the replies of `lacuna infer`: this process (own_engine()), or the ranks that mpirun has
/// started (tools/machines/ranks.h). Plans are named by plan_id(). All of them throw Error.
struct InferEngine {
    /// How to work.
    struct Setting {
        int threads = 1;
        double bytes_per_second = 1.25e9;  ///< between ranks
        std::size_t uploads = 1;           ///< that there will be under this plan, by a guess
    };

    std::size_t ranks = 1;
    int threads = 0;  ///< of each rank, unless told otherwise; 0: as ever
    /// Compiles the model for a plan, and returns how many uploads answer() works on at a time.
    std::function<std::size_t(const std::string& plan_name, const Model&, const Plan&, const Context&,
                              const Setting&)>
        prepare;
    /// Another client's keys, for a plan that is prepared.
    std::function<void(const std::string& plan_name, const KeySetId&, std::shared_ptr<const EvaluationKeys>)>
        add_keys;
    /// Replies to uploads of one plan and one client.
    std::function<std::vector<EncryptedTensor>(const std::string& plan_name, const KeySetId&,
                                               std::vector<Upload>, const RunControl&)>
        answer;
    /// What --json says of it besides.
    std::function<void(nlohmann::ordered_json&)> account;
};

/// Adds `lacuna infer` with an engine that may know other processes.
void add_infer_command(CLI::App& app, Work& work, const InferEngine& engine);

/// Sessions in this process.
[[nodiscard]] InferEngine own_engine();

}  // namespace lacuna
