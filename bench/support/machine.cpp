// SPDX-License-Identifier: Apache-2.0
#include "bench/support/machine.h"

#include <cstdio>
#include <fstream>
#include <map>

#include <benchmark/benchmark.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/kernels.h>

namespace lacuna::bench {

std::string machine_name() {
    std::ifstream info("/proc/cpuinfo");
    std::map<std::string, std::string> fields;  // of the first core
    for (std::string line; std::getline(info, line) && !line.empty();) {
        const std::size_t tab = line.find('\t');
        const std::size_t colon = line.find(": ");
        if (tab != std::string::npos && colon != std::string::npos) {
            fields[line.substr(0, tab)] = line.substr(colon + 2);
        }
    }
    if (!fields.contains("model name")) {
        return "unknown";
    }
    std::string name = fields["model name"];
    if (fields.contains("cpu family") && fields.contains("model")) {
        name += ", family " + fields["cpu family"] + " model " + fields["model"];
    }
    return name;
}

std::string hexl_name(const std::string& version) {
    bool fast = false;
#if defined(__x86_64__)
    fast = __builtin_cpu_supports("avx512dq") != 0;
#endif
    return "Intel HEXL" + (version.empty() ? "" : " " + version) + (fast ? "" : ", no AVX-512 here");
}

int run(int argc, char** argv) {
    try {
        benchmark::AddCustomContext("machine", machine_name());
        benchmark::AddCustomContext("kernel", std::string(active_kernels().name));
#ifdef __clang__
        benchmark::AddCustomContext("compiler", "clang " __clang_version__);
#else
        benchmark::AddCustomContext("compiler", "gcc " __VERSION__);
#endif
        benchmark::AddCustomContext("build", LACUNA_BENCH_BUILD);
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
