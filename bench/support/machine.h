// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lacuna::bench {

/// The processor's name as the system gives it, or "unknown".
[[nodiscard]] std::string machine_name();

/// Adds machine and kernel to Google Benchmark's context, so that every JSON file says where it was measured,
/// then runs the registered benchmarks. Returns the exit code of main.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace lacuna::bench
