// SPDX-License-Identifier: Apache-2.0
//
// One term of a sparse layer of +-2^k constants: the fused product of all its rows, beside the same term as
// a plaintext product in NTT form and an addition (hot: one ciphertext, in the cache), and beside copying the
// words that it touches (cold: one ciphertext after another). An iteration is counters["parts"] terms.
#include "bench/he/sparse_bench.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_generator.h>
#include "bench/support/on_demand.h"

namespace lacuna::bench {

std::vector<std::vector<SparseTerm>> sparse_rows() {
    constexpr std::size_t outputs = 100;
    constexpr std::size_t terms = 160;
    std::mt19937_64 random(1);
    std::vector<std::vector<SparseTerm>> rows(outputs);
    for (std::vector<SparseTerm>& row : rows) {
        for (std::size_t k = 0; k < terms; ++k) {
            const std::int64_t weight = std::int64_t{1} << random() % 4;
            const bool negative = random() % 2 == 0;
            row.push_back(
                {static_cast<std::uint32_t>(random() % sparse_inputs), 0, negative ? -weight : weight});
        }
    }
    return rows;
}

namespace {

struct SparseBench {
    explicit SparseBench(const Setting& setting)
        : context(parameters(setting)), evaluator(context), product(setting.n, sparse_inputs, sparse_rows()) {
        const KeyGenerator generator(context);
        const Plaintext plain = BatchEncoder(context).encode(std::vector<std::int64_t>(context.n(), 3));
        const Encryptor encryptor(context, generator.secret_key());
        for (std::size_t i = 0; i < sparse_inputs; ++i) {
            ciphertexts.push_back(encryptor.encrypt(plain));
        }
        prepared = evaluator.prepare(plain, ciphertexts.front().limbs());
        a_ntt = evaluator.to_ntt(ciphertexts.front());
    }

    static Parameters parameters(const Setting& setting) {
        Parameters result;
        result.n = setting.n;
        result.data_bits.assign(setting.bits.begin(), setting.bits.end() - 1);
        result.plain_bits = {plain_bits};
        result.allow_insecure = true;
        return result;
    }

    Context context;
    Evaluator evaluator;
    SparseProduct product;
    std::vector<Ciphertext> ciphertexts;
    PreparedPlaintext prepared;
    Ciphertext a_ntt;
};

}  // namespace

void register_sparse(const Setting& setting) {
    const auto bench = on_demand<SparseBench>(setting);
    const auto add = [&](const std::string& name, auto body) {
        benchmark::RegisterBenchmark(("sparse_term/" + name + "/" + std::to_string(setting.n)).c_str(),
                                     [bench, body](benchmark::State& state) { body(bench->get(), state); })
            ->Unit(benchmark::kMicrosecond);
    };
    add("lacuna", [](const SparseBench& x, benchmark::State& state) {
        for (auto _ : state) {
            benchmark::DoNotOptimize(x.product.apply(x.context, x.ciphertexts));
        }
        state.counters["parts"] = static_cast<double>(x.product.map().term_count());
    });
    add("ntt_form", [](const SparseBench& x, benchmark::State& state) {
        Ciphertext sum = x.a_ntt;
        for (auto _ : state) {
            sum = x.evaluator.add(std::move(sum), x.evaluator.multiply_prepared(x.a_ntt, x.prepared));
            benchmark::ClobberMemory();
        }
    });
    add("copy", [](const SparseBench& x, benchmark::State& state) {
        Ciphertext copy = x.ciphertexts.front();
        for (auto _ : state) {
            for (const Ciphertext& source : x.ciphertexts) {
                for (std::size_t k = 0; k < source.size(); ++k) {
                    std::copy_n(source.parts[k].limb(0), source.limbs() * source.n(), copy.parts[k].limb(0));
                }
                benchmark::ClobberMemory();
            }
        }
        state.counters["parts"] = static_cast<double>(sparse_inputs);
    });
}

}  // namespace lacuna::bench
