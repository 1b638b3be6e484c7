// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lacuna::bench {

/// The processor's name as the system gives it, with family and model where it says them (two generations may
/// bear one name), or "unknown".
[[nodiscard]] std::string machine_name();

/// Intel HEXL by name, for a peer that uses it: its fast code needs AVX-512, elsewhere it runs plain C++.
[[nodiscard]] std::string hexl_name(const std::string& version = "");

/// Adds machine, kernel, compiler and build to Google Benchmark's context, so that every JSON file
/// says what was measured where, then runs the registered benchmarks. A peer adds its own version and build
/// with benchmark::AddCustomContext under the name that its rows bear. What the program cannot know is for
/// --benchmark_context=NAME=VALUE. Returns the exit code of main.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace lacuna::bench
