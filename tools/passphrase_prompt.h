// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include <CLI/CLI.hpp>

#include <lacuna/he/files/protected_key.h>

namespace lacuna {

/// The first line of a file, without its end. Throws Error where it is empty, longer than a passphrase may be
/// or has a NUL in it.
[[nodiscard]] Passphrase read_passphrase(const std::filesystem::path& file);

/// Asks on the terminal, which shows nothing of what is typed. Throws Error where there is no terminal, and
/// Stopped on a stop request.
[[nodiscard]] Passphrase ask_passphrase(const std::string& question, const std::stop_token& stop);

/// Makes the terminal show what is typed again, if ask_passphrase() is at work: for a process that ends at
/// once.
void restore_terminal() noexcept;

/// --passphrase-file FILE.
void add_passphrase_file_option(CLI::App& command, std::string& file);

/// What KeyFolder::client() asks where the secret key turns out to be under a passphrase: the file where one
/// is given, else the terminal.
[[nodiscard]] std::function<Passphrase()> passphrase_source(const std::string& file,
                                                            const std::stop_token& stop);

}  // namespace lacuna
