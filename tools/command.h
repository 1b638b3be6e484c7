// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>

#include <CLI/CLI.hpp>

#include <lacuna/ntt/error.h>

namespace lacuna {

class Interrupt;

/// Thrown where the arguments contradict each other: exit code 2, as for arguments that cannot be parsed.
class UsageError : public Error {
  public:
    using Error::Error;
};

/// The work that the arguments ask for; a subcommand sets it when it has been chosen and parsed.
using Work = std::function<void(std::stop_token)>;

// Each adds its subcommand to the app; the demo has two names.
void add_demo_commands(CLI::App& app, Work& work);
void add_plan_command(CLI::App& app, Work& work);
void add_keygen_command(CLI::App& app, Work& work);
void add_encrypt_command(CLI::App& app, Work& work);
void add_infer_command(CLI::App& app, Work& work);
void add_decrypt_command(CLI::App& app, Work& work);
void add_inspect_command(CLI::App& app, Work& work);
void add_activation_command(CLI::App& app, Work& work);
void add_evaluate_command(CLI::App& app, Work& work);
// Where the service is built (LACUNA_SERVICE).
void add_serve_command(CLI::App& app, Work& work, Interrupt& interrupt);
void add_remote_command(CLI::App& app, Work& work);

}  // namespace lacuna
