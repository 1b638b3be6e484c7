// SPDX-License-Identifier: Apache-2.0
//
// Transforms per size, 50-bit primes: the active kernel as "lacuna", every other one that this machine
// supports under its own name, and Intel HEXL where it is installed. For ratios let the rows alternate:
// --benchmark_enable_random_interleaving=true --benchmark_repetitions=9.
#include <string>

#include <benchmark/benchmark.h>

#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/ntt/primes.h>
#include "bench/ntt/benches.h"
#include "bench/support/kernel_list.h"
#include "bench/support/machine.h"

#ifdef LACUNA_BENCH_HEXL
#include <hexl/hexl.hpp>
#endif

namespace lacuna::bench {

namespace {

enum class Direction { forward, inverse };

Modulus prime_for(std::size_t n) {
    return Modulus(ntt_primes(n, 50, 1).front());
}

Buffer polynomial(std::size_t n, const Modulus& q) {
    Buffer a(n);
    for (std::size_t i = 0; i < n; ++i) {
        a[i] = q.reduce(i * 0x9e3779b97f4a7c15);
    }
    return a;
}

void transform(const NttTables& tables, Direction direction, Buffer& a) {
    direction == Direction::forward ? tables.forward(a.span()) : tables.inverse(a.span());
}

void time_kernel(benchmark::State& state, const Kernels& kernels, Direction direction, std::size_t n) {
    const NttTables tables(n, prime_for(n), kernels);
    Buffer a = polynomial(n, tables.modulus());
    for (auto step : state) {
        transform(tables, direction, a);
        benchmark::ClobberMemory();
    }
}

#ifdef LACUNA_BENCH_HEXL
void time_hexl(benchmark::State& state, Direction direction, std::size_t n) {
    const Modulus q = prime_for(n);
    intel::hexl::NTT tables(n, q.value());
    Buffer a = polynomial(n, q);
    for (auto step : state) {
        if (direction == Direction::forward) {
            tables.ComputeForward(a.data(), a.data(), 1, 1);
        } else {
            tables.ComputeInverse(a.data(), a.data(), 1, 1);
        }
        benchmark::ClobberMemory();
    }
}
#endif

}  // namespace

void register_transforms() {
#ifdef LACUNA_BENCH_HEXL
    benchmark::AddCustomContext("hexl", hexl_name(LACUNA_BENCH_HEXL));
#endif
    for (const Direction direction : {Direction::forward, Direction::inverse}) {
        const std::string operation(direction == Direction::forward ? "ntt_forward/" : "ntt_inverse/");
        for (const std::size_t n : {1024, 2048, 4096, 8192, 16384, 32768}) {
            std::string size("/");
            size += std::to_string(n);
            for (const Kernels* kernels : supported_kernels()) {
                benchmark::RegisterBenchmark((operation + who(*kernels) + size).c_str(), time_kernel,
                                             *kernels, direction, n)
                    ->Unit(benchmark::kMicrosecond);
            }
#ifdef LACUNA_BENCH_HEXL
            benchmark::RegisterBenchmark((operation + "hexl" + size).c_str(), time_hexl, direction, n)
                ->Unit(benchmark::kMicrosecond);
#endif
        }
    }
}

}  // namespace lacuna::bench
