// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <CLI/CLI.hpp>

namespace lacuna {

/// --bandwidth B: bits a second above 0, with k, M, G or T behind the number for powers of 1000; `bits` is
/// left alone without it.
CLI::Option* add_bandwidth_option(CLI::App& command, double& bits);
/// The same for several of them, with commas between.
CLI::Option* add_bandwidths_option(CLI::App& command, std::vector<double>& bits);

}  // namespace lacuna
