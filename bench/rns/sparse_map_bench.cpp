// SPDX-License-Identifier: Apache-2.0
//
// The sparse monomial product over one limb: 100 rows of 160 terms +-2^k x^e over 845 polynomials, in time
// per term (counters["parts"] of them an iteration). Scalars as a layer in slots has them, e = 0, and
// monomials as a layer in radix has them, e up to 3.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <lacuna/rns/sparse_map.h>
#include "bench/rns/benches.h"
#include "bench/support/kernel_list.h"

namespace lacuna::bench {

namespace {

constexpr std::size_t inputs = 845;
constexpr std::size_t outputs = 100;
constexpr std::size_t terms = 160;

std::vector<std::vector<SparseTerm>> rows(bool monomials) {
    std::mt19937_64 random(1);
    std::vector<std::vector<SparseTerm>> result(outputs);
    for (std::vector<SparseTerm>& row : result) {
        for (std::size_t k = 0; k < terms; ++k) {
            const std::int64_t weight = std::int64_t{1} << random() % 4;
            const bool negative = random() % 2 == 0;
            const auto exponent = static_cast<std::uint32_t>(monomials ? random() % 4 : 0);
            row.push_back(
                {static_cast<std::uint32_t>(random() % inputs), exponent, negative ? -weight : weight});
        }
    }
    return result;
}

void time_map(benchmark::State& state, std::size_t n, bool monomials, const Kernels& kernels) {
    const RnsBasis primes = basis(n, 1, kernels);
    const SparseMap map(n, inputs, rows(monomials));
    const std::vector<RnsPolynomial> x(inputs, uniform(primes, 1, Form::coefficient));
    std::vector<RnsPolynomial> y(outputs, x.front());
    std::vector<SparseMap::Plane> planes(1);
    planes[0].modulus = &primes.modulus(0);
    for (const RnsPolynomial& input : x) {
        planes[0].inputs.push_back(input.limb(0));
    }
    for (RnsPolynomial& output : y) {
        planes[0].outputs.push_back(output.limb(0));
    }
    for (auto _ : state) {
        map.apply(kernels, planes, 1);
        benchmark::ClobberMemory();
    }
    state.counters["parts"] = static_cast<double>(map.term_count());
}

}  // namespace

void register_sparse_maps() {
    for (const bool monomials : {false, true}) {
        for (const Size& size : sizes()) {
            for (const Kernels* kernels : supported_kernels()) {
                const std::string name = std::string("sparse_term_") + (monomials ? "monomials" : "scalars") +
                                         "/" + who(*kernels) + "/" + std::to_string(size.n);
                benchmark::RegisterBenchmark(name.c_str(), time_map, size.n, monomials, *kernels)
                    ->Unit(benchmark::kMicrosecond);
            }
        }
    }
}

}  // namespace lacuna::bench
