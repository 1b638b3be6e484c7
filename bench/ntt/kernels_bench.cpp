// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of each kernel, n = 8192 and a 50-bit prime, and the machine's read+add bandwidth by cache
// level, to which bytes_per_second of the sparse rows is to be compared.
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <lacuna/ntt/primes.h>
#include "bench/ntt/benches.h"
#include "bench/support/kernel_list.h"

namespace lacuna::bench {

namespace {

using Word = std::uint64_t;

constexpr std::size_t n = 8192;

Buffer random_words(std::size_t size, Word bound) {
    std::mt19937_64 engine(size);
    Buffer words(size);
    for (std::size_t i = 0; i < size; ++i) {
        words[i] = engine() % bound;
    }
    return words;
}

/// Operands of every element-wise function.
struct Operands {
    Operands() {
        for (int i = 0; i < 12; ++i) {
            // Rows a few cache lines apart from a multiple of 4096 bytes do not evict each other.
            storage.push_back(random_words(n + 64 * (static_cast<std::size_t>(i) + 1), q.value()));
            rows.push_back(storage.back().data());
        }
        weights = random_words(64, q.value());
        for (std::size_t j = 0; j < n; ++j) {
            within_eight.push_back(static_cast<std::uint32_t>((n / 8 - 1 - j / 8) * 8 + (j * 3 + j / 8) % 8));
        }
    }
    Modulus q{ntt_primes(n, 50, 1).front()};
    ShoupFactor factor{q.value() / 3, q};
    std::vector<Buffer> storage;
    std::vector<const Word*> rows;
    Buffer weights;
    std::vector<std::uint32_t> within_eight;
    Buffer out[3] = {Buffer(n + 8), Buffer(n + 8), Buffer(n + 8)};
};

using Call = std::function<void(const Kernels&, Operands&)>;

void time_call(benchmark::State& state, const Kernels& kernels, const Call& call) {
    Operands operands;
    for (auto step : state) {
        call(kernels, operands);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}

struct Operation {
    std::string name;
    Call call;
};

std::vector<Operation> operations() {
    std::vector<Operation> operations = {
        {"add", [](auto& k, auto& o) { k.add(o.out[0].data(), o.rows[0], o.rows[1], n, o.q); }},
        {"reduce", [](auto& k, auto& o) { k.reduce(o.out[0].data(), o.rows[0], n, o.q); }},
        {"multiply", [](auto& k, auto& o) { k.multiply(o.out[0].data(), o.rows[0], o.rows[1], n, o.q); }},
        {"multiply_add",
         [](auto& k, auto& o) { k.multiply_add(o.out[0].data(), o.rows[0], o.rows[1], n, o.q); }},
        {"multiply_scalar",
         [](auto& k, auto& o) { k.multiply_scalar(o.out[0].data(), o.rows[0], n, o.factor, o.q); }},
        {"subtract_multiply_scalar",
         [](auto& k, auto& o) {
             k.subtract_multiply_scalar(o.out[0].data(), o.rows[0], o.rows[1], n, o.factor, o.q);
         }},
        {"tensor",
         [](auto& k, auto& o) {
             k.tensor(o.out[0].data(), o.out[1].data(), o.out[2].data(), o.rows[0], o.rows[1], o.rows[2],
                      o.rows[3], n, o.q);
         }},
        {"tensor_square",
         [](auto& k, auto& o) {
             k.tensor_square(o.out[0].data(), o.out[1].data(), o.out[2].data(), o.rows[0], o.rows[1], n, o.q);
         }},
        {"gather_within_eight",
         [](auto& k, auto& o) { k.gather(o.out[0].data(), o.rows[0], o.within_eight.data(), n); }},
        {"automorphism", [](auto& k, auto& o) { k.automorphism(o.out[0].data(), o.rows[0], n, 2187, o.q); }},
        {"filter_below",
         [](auto& k, auto& o) {
             benchmark::DoNotOptimize(
                 k.filter_below(o.out[0].data(), o.rows[0], n, (Word{1} << 50) - 1, o.q.value() / 2));
         }},
        {"centred_binomial", [](auto& k, auto& o) { k.centred_binomial(o.out[0].data(), o.rows[0], n); }},
    };
    for (const std::size_t count : {3, 4, 5, 9}) {
        const std::string suffix = std::string("_") + std::to_string(count);
        operations.push_back({"weighted_sum" + suffix, [count](auto& k, auto& o) {
                                  k.weighted_sum(o.out[0].data(), o.rows.data(), o.weights.data(), count, n,
                                                 o.q);
                              }});
        operations.push_back({"round_fractions" + suffix, [count](auto& k, auto& o) {
                                  k.round_fractions(o.out[0].data(), o.rows.data(), o.weights.data(),
                                                    o.weights.data() + 16, count, n);
                              }});
    }
    for (const std::size_t count : {2, 4}) {
        operations.push_back({std::string("dot_") + std::to_string(count), [count](auto& k, auto& o) {
                                  k.dot(o.out[0].data(), o.rows.data(), o.rows.data() + 4, count, n, o.q);
                              }});
    }
    return operations;
}

/// A sparse layer of random +-2^k weights, at most eight exponents: `inputs` rows of `tile` words, which fit
/// the second-level cache, and 100 outputs of about `terms` terms each. `misalignment` words: 0 as under SIMD
/// batching, odd as for monomials.
struct SparseLayer {
    SparseLayer(std::size_t inputs, std::size_t tile, std::size_t terms, bool monomials) {
        std::mt19937_64 engine(inputs + tile);
        const std::size_t stride = tile + (monomials ? 16 : 0);
        packed = random_words(inputs * stride + 64, q.value());
        rows.emplace_back();
        for (int output = 0; output < 100; ++output) {
            std::vector<std::vector<std::uint32_t>> plus(8);
            std::vector<std::vector<std::uint32_t>> minus(8);
            for (std::size_t i = 0; i < terms; ++i) {
                const auto offset = static_cast<std::uint32_t>(engine() % inputs * stride);
                const auto shifted = offset + static_cast<std::uint32_t>(monomials ? engine() % 16 : 0);
                (engine() % 2 == 0 ? plus : minus)[engine() % 8].push_back(shifted);
            }
            for (std::int32_t shift = 0; shift < 8; ++shift) {
                const auto index = static_cast<std::size_t>(shift);
                TermGroup group;
                group.shift = shift;
                group.multiplier = Word{1} << shift;
                group.begin = static_cast<std::uint32_t>(offsets.size());
                offsets.insert(offsets.end(), plus[index].begin(), plus[index].end());
                group.middle = static_cast<std::uint32_t>(offsets.size());
                offsets.insert(offsets.end(), minus[index].begin(), minus[index].end());
                group.end = static_cast<std::uint32_t>(offsets.size());
                if (group.begin != group.end) {
                    rows.back().push_back(group);
                }
            }
            rows.emplace_back();
        }
        rows.pop_back();
        out = Buffer(tile * rows.size());
    }
    Modulus q{ntt_primes(n, 50, 1).front()};
    Buffer packed;
    std::vector<std::uint32_t> offsets;
    std::vector<std::vector<TermGroup>> rows;
    Buffer out;
};

void time_sparse(benchmark::State& state, const Kernels& kernels, std::size_t inputs, std::size_t tile,
                 std::size_t terms, bool monomials) {
    SparseLayer layer(inputs, tile, terms, monomials);
    // Keeps the integers that the rows stand for positive, as the callers' bound does.
    const Word offset = layer.q.value() << 13;
    for (auto step : state) {
        for (std::size_t row = 0; row < layer.rows.size(); ++row) {
            kernels.sparse_tile(layer.out.data() + row * tile, tile, layer.packed.data(),
                                layer.offsets.data(), layer.rows[row].data(), layer.rows[row].size(), offset,
                                false, layer.q);
        }
        benchmark::ClobberMemory();
    }
    const auto all_terms = static_cast<std::int64_t>(layer.offsets.size());
    state.SetItemsProcessed(state.iterations() * all_terms);
    state.SetBytesProcessed(state.iterations() * all_terms * static_cast<std::int64_t>(tile * sizeof(Word)));
}

/// Eight words, in whatever registers the machine has.
using Lanes [[gnu::vector_size(64)]] = Word;

#if defined(__x86_64__)
[[gnu::target_clones("avx512f", "avx2", "default")]]
#endif
Word
sum(const Word* words, std::size_t size) {
    Lanes sums[8] = {};
    for (std::size_t i = 0; i < size; i += 64) {
#pragma GCC unroll 8
        for (std::size_t k = 0; k < 8; ++k) {
            sums[k] += *reinterpret_cast<const Lanes*>(words + i + 8 * k);
        }
    }
    Word total = 0;
    for (const Lanes& lanes : sums) {
        for (int k = 0; k < 8; ++k) {
            total += lanes[k];
        }
    }
    return total;
}

void time_read_add(benchmark::State& state, std::size_t bytes) {
    const Buffer words(bytes / sizeof(Word));
    for (auto step : state) {
        benchmark::DoNotOptimize(sum(words.data(), words.size()));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

}  // namespace

void register_kernels() {
    for (const Operation& operation : operations()) {
        for (const Kernels* kernels : supported_kernels()) {
            benchmark::RegisterBenchmark((operation.name + "/" + who(*kernels) + "/8192").c_str(), time_call,
                                         *kernels, operation.call)
                ->Unit(benchmark::kMicrosecond);
        }
    }
    struct Shape {
        std::size_t inputs;
        std::size_t tile;
        std::size_t terms;
        bool monomials;
    };
    for (const Shape& shape :
         {Shape{784, 64, 24, false}, Shape{784, 64, 240, false}, Shape{400, 128, 24, false},
          Shape{400, 128, 240, false}, Shape{640, 64, 24, true}, Shape{400, 128, 240, true}}) {
        for (const Kernels* kernels : supported_kernels()) {
            const std::string name = std::string(shape.monomials ? "sparse_monomials_" : "sparse_scalars_") +
                                     std::to_string(shape.terms) + "/" + who(*kernels) + "/" +
                                     std::to_string(shape.tile);
            benchmark::RegisterBenchmark(name.c_str(), time_sparse, *kernels, shape.inputs, shape.tile,
                                         shape.terms, shape.monomials)
                ->Unit(benchmark::kMicrosecond);
        }
    }
    for (const auto& [level, kibibytes] :
         {std::pair<const char*, std::size_t>{"l1", 32}, {"l2", 400}, {"l3", 8192}, {"dram", 262144}}) {
        benchmark::RegisterBenchmark(
            ("read_add_" + std::string(level) + "/machine/" + std::to_string(kibibytes)).c_str(),
            time_read_add, kibibytes << 10)
            ->Unit(benchmark::kMicrosecond);
    }
}

}  // namespace lacuna::bench
