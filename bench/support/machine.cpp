// SPDX-License-Identifier: Apache-2.0
#include "bench/support/machine.h"

#include <cstdio>
#include <fstream>

#include <benchmark/benchmark.h>

#include "ntt/error.h"
#include "ntt/kernels.h"

namespace lacuna::bench {

std::string machine_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        const std::size_t colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) {
            return line.substr(colon + 2);
        }
    }
    return "unknown";
}

int run(int argc, char** argv) {
    try {
        benchmark::AddCustomContext("machine", machine_name());
        benchmark::AddCustomContext("kernel", std::string(active_kernels().name));
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
            return 2;
        }
        benchmark::RunSpecifiedBenchmarks();
        benchmark::Shutdown();
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}

}  // namespace lacuna::bench
