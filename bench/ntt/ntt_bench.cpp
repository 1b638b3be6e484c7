// SPDX-License-Identifier: Apache-2.0
//
// Transforms per size, 50-bit primes: the active kernel as "lacuna", every other one that this machine
// supports under its own name, and Intel HEXL where it is installed. Where HEXL takes part, each of its rows
// carries the counter `ratio`: our time divided by its, the two measured in alternation within the same run.
#include <algorithm>
#include <chrono>
#include <limits>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/ntt/benches.h"
#include "ntt/ntt_tables.h"
#include "ntt/primes.h"

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
using Clock = std::chrono::steady_clock;

void time_hexl(benchmark::State& state, Direction direction, std::size_t n) {
    const NttTables tables(n, prime_for(n));
    intel::hexl::NTT peer(n, tables.modulus().value());
    Buffer ours = polynomial(n, tables.modulus());
    Buffer theirs = ours;
    double our_best = std::numeric_limits<double>::infinity();
    double their_best = our_best;
    constexpr int batch = 16;
    for (auto step : state) {
        const auto start = Clock::now();
        for (int i = 0; i < batch; ++i) {
            if (direction == Direction::forward) {
                peer.ComputeForward(theirs.data(), theirs.data(), 1, 1);
            } else {
                peer.ComputeInverse(theirs.data(), theirs.data(), 1, 1);
            }
        }
        const auto middle = Clock::now();
        for (int i = 0; i < batch; ++i) {
            transform(tables, direction, ours);
        }
        const double their_time = std::chrono::duration<double>(middle - start).count() / batch;
        our_best = std::min(our_best, std::chrono::duration<double>(Clock::now() - middle).count() / batch);
        their_best = std::min(their_best, their_time);
        state.SetIterationTime(their_time);
    }
    state.counters["ratio"] = our_best / their_best;
}
#endif

}  // namespace

void register_transforms() {
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
                ->Unit(benchmark::kMicrosecond)
                ->UseManualTime();
#endif
        }
    }
}

}  // namespace lacuna::bench
