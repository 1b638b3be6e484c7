// SPDX-License-Identifier: Apache-2.0
//
// Polynomials over several primes. Names are <operation>/<kernel>/<n>: the active kernel is "lacuna".
#include <benchmark/benchmark.h>

#include <lacuna/ntt/primes.h>
#include <lacuna/rns/sampler.h>
#include "bench/rns/benches.h"
#include "bench/support/kernel_list.h"
#include "bench/support/machine.h"

namespace lacuna::bench {

const std::vector<Size>& sizes() {
    static const std::vector<Size> all = {{4096, 2}, {8192, 3}, {16384, 8}};
    return all;
}

RnsBasis basis(std::size_t n, std::size_t count, const Kernels& kernels, std::size_t skip) {
    const std::vector<std::uint64_t> primes = ntt_primes(n, 49, skip + count);
    return {n, std::span(primes).subspan(skip), kernels};
}

RnsPolynomial uniform(const RnsBasis& basis, std::size_t limbs, Form form) {
    RnsPolynomial result(basis.n(), limbs, form);
    sample_uniform(basis, Seed{}, 0, result);
    return result;
}

void register_operation(const std::string& operation,
                        const std::function<Step(const Size&, const Kernels&)>& make) {
    for (const Size& size : sizes()) {
        for (const Kernels* kernels : supported_kernels()) {
            benchmark::RegisterBenchmark(
                (operation + "/" + who(*kernels) + "/" + std::to_string(size.n)).c_str(),
                [make, size, kernels](benchmark::State& state) {
                    const Step step = make(size, *kernels);
                    for (auto _ : state) {
                        step();
                        benchmark::ClobberMemory();
                    }
                })
                ->Unit(benchmark::kMicrosecond);
        }
    }
}

}  // namespace lacuna::bench

int main(int argc, char** argv) {
    lacuna::bench::register_polynomials();
    lacuna::bench::register_conversions();
    lacuna::bench::register_sparse_maps();
    return lacuna::bench::run(argc, argv);
}
