// SPDX-License-Identifier: Apache-2.0
//
// One term of a sparse layer: the fused product of 845 ciphertexts by 100 rows of +-2^k constants, in time
// per term, beside the same term as a plaintext product in NTT form and an addition, and beside copying the
// words it touches.
#include "bench/he/sparse_bench.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "he/batch_encoder.h"
#include "he/encryptor.h"
#include "he/evaluator.h"
#include "he/key_generator.h"
#include "he/sparse_product.h"

namespace lacuna::bench {
namespace {

constexpr std::size_t inputs = 845;
constexpr std::size_t outputs = 100;
constexpr std::size_t terms_per_row = 160;

struct SparseBench {
    explicit SparseBench(const Setting& setting) : context(parameters(setting)), evaluator(context) {
        const KeyGenerator generator(context);
        const Encryptor encryptor(context, generator.secret_key());
        const BatchEncoder encoder(context);
        const Plaintext plain = encoder.encode(std::vector<std::int64_t>(context.n(), 3));
        std::mt19937_64 random(1);
        for (std::size_t i = 0; i < inputs; ++i) {
            ciphertexts.push_back(encryptor.encrypt(plain));
        }
        for (std::size_t j = 0; j < outputs; ++j) {
            auto& row = rows.emplace_back();
            for (std::size_t k = 0; k < terms_per_row; ++k) {
                const std::int64_t weight = std::int64_t{1} << random() % 4;
                row.push_back(
                    {static_cast<std::uint32_t>(random() % inputs), 0, random() % 2 == 0 ? weight : -weight});
            }
        }
        prepared = evaluator.prepare(plain, ciphertexts.front().limbs());
        a_ntt = evaluator.to_ntt(ciphertexts[0]);
    }

    static Parameters parameters(const Setting& setting) {
        Parameters result;
        result.n = setting.n;
        result.data_bits.assign(setting.bits.begin(), setting.bits.end() - 1);
        result.plain_bits = {plain_bits};
        result.allow_insecure = true;
        return result;
    }

    [[nodiscard]] std::size_t ciphertext_bytes() const {
        return 2 * ciphertexts.front().limbs() * context.n() * sizeof(std::uint64_t);
    }

    Context context;
    Evaluator evaluator;
    std::vector<Ciphertext> ciphertexts;
    std::vector<std::vector<SparseTerm>> rows;
    PreparedPlaintext prepared;
    Ciphertext a_ntt;
};

/// Runs `work` and books 1 / count of its time, so that the benchmark's time is that of one term.
template <typename Work>
void time_parts(benchmark::State& state, double count, std::size_t bytes, const Work& work) {
    for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        work();
        state.SetIterationTime(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / count);
    }
    state.counters["bytes_per_second"] =
        benchmark::Counter(static_cast<double>(bytes * static_cast<std::size_t>(state.iterations())),
                           benchmark::Counter::kIsRate);
}

}  // namespace

void register_sparse(const Setting& setting) {
    const auto bench = std::make_shared<SparseBench>(setting);
    const std::string size = std::to_string(setting.n);
    // Google Benchmark picks iterations by the time booked, which is a small part of the time spent: fix
    // them.
    const auto add = [&](const std::string& name, int iterations, auto body) {
        benchmark::RegisterBenchmark((name + "/" + size).c_str(), body)
            ->UseManualTime()
            ->Iterations(iterations)
            ->Unit(benchmark::kMicrosecond);
    };
    const auto product = std::make_shared<SparseProduct>(setting.n, inputs, bench->rows);
    add("sparse_term/lacuna", 20, [bench, product](benchmark::State& state) {
        time_parts(state, static_cast<double>(product->map().term_count()), bench->ciphertext_bytes(),
                   [&] { benchmark::DoNotOptimize(product->apply(bench->context, bench->ciphertexts)); });
    });
    add("sparse_term/ntt_form", 2000, [bench](benchmark::State& state) {
        Ciphertext sum = bench->a_ntt;
        time_parts(state, 1, bench->ciphertext_bytes(), [&] {
            sum =
                bench->evaluator.add(sum, bench->evaluator.multiply_prepared(bench->a_ntt, bench->prepared));
        });
    });
    add("sparse_term/copy", 5000, [bench](benchmark::State& state) {
        std::vector<std::uint64_t> words(bench->ciphertext_bytes() / sizeof(std::uint64_t));
        std::size_t next = 0;
        time_parts(state, 1, bench->ciphertext_bytes(), [&] {
            const Ciphertext& source = bench->ciphertexts[next++ % inputs];
            std::uint64_t* out = words.data();
            for (const RnsPolynomial& part : source.parts) {
                out = std::copy_n(part.limb(0), part.limbs() * part.n(), out);
            }
            benchmark::ClobberMemory();
        });
    });
}

}  // namespace lacuna::bench
