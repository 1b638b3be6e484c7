// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <lacuna/nn/plan/plan.h>
#include "tools/plan_text.h"

namespace lacuna {

inline constexpr const char* default_model = "faster-cryptonets";

/// The options that decide what is planned.
struct PlanOptions {
    std::string packing = "auto";
    int security = 128;
    std::size_t plain_moduli = 0;     ///< 0: as many as cost least
    std::optional<int> privacy_bits;  ///< absent: the default
    bool no_circuit_privacy = false;
    bool public_encryption = false;

    void add_to(CLI::App& command);
    [[nodiscard]] PlanRequest request(std::size_t batch) const;
};

/// --circuit privacy alone, for commands that plan nothing else.
void add_privacy_options(CLI::App& command, PlanOptions& options);

/// --threads T; every core without it.
void add_threads_option(CLI::App& command, int& threads);
/// --json.
void add_json_option(CLI::App& command, bool& json);

}  // namespace lacuna
