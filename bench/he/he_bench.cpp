// SPDX-License-Identifier: Apache-2.0
//
// The scheme's operations, one thread (peers that have threads of their own: OMP_NUM_THREADS=1). Names are
// <operation>/lacuna/<n>; where SEAL or OpenFHE is installed, seal_bench.cpp and openfhe_bench.cpp add
// <operation>/seal/<n> and <operation>/openfhe/<n> to the same run, and bench/report.py prints the ratios.
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/he/settings.h"
#include "bench/he/sparse_bench.h"
#include "bench/support/machine.h"
#include "he/batch_encoder.h"
#include "he/decryptor.h"
#include "he/encryptor.h"
#include "he/evaluator.h"
#include "he/key_generator.h"

namespace lacuna::bench {
namespace {

constexpr std::array<int, 4> rotations = {1, 2, 3, 4};

/// Everything the operations need, built once a setting.
struct Bench {
    explicit Bench(const Setting& setting)
        : context(parameters(setting)),
          generator(context),
          public_key(generator.public_key()),
          relin(generator.relin_keys()),
          galois(generator.galois_keys(rotations)),
          encoder(context),
          encryptor(context, generator.secret_key()),
          public_encryptor(context, public_key),
          decryptor(context, generator.secret_key()),
          evaluator(context),
          values(context.n()) {
        std::mt19937_64 random(1);
        for (std::int64_t& value : values) {
            value = static_cast<std::int64_t>(random() % 1000);
        }
        plain = encoder.encode(values);
        a = encryptor.encrypt(plain);
        b = encryptor.encrypt(plain);
        square = evaluator.square(a);
        a_ntt = evaluator.to_ntt(a);
        prepared = evaluator.prepare(plain, a.limbs());
        prepared_for_rotations = evaluator.prepare_for_rotations(plain, a.limbs());
        for (const int steps : rotations) {
            terms.push_back({steps, &prepared_for_rotations});
        }
    }

    static Parameters parameters(const Setting& setting) {
        Parameters result;
        result.n = setting.n;
        result.data_bits.assign(setting.bits.begin(), setting.bits.end() - 1);
        result.special_bits = {setting.bits.back()};
        result.plain_bits = {plain_bits};
        result.allow_insecure = true;  // SEAL's default sizes follow the table of 2018
        return result;
    }

    Context context;
    KeyGenerator generator;
    PublicKey public_key;
    RelinKeys relin;
    GaloisKeys galois;
    BatchEncoder encoder;
    Encryptor encryptor;
    Encryptor public_encryptor;
    Decryptor decryptor;
    Evaluator evaluator;
    std::vector<std::int64_t> values;
    Plaintext plain;
    Ciphertext a;
    Ciphertext b;
    Ciphertext square;
    Ciphertext a_ntt;
    PreparedPlaintext prepared;
    PreparedPlaintext prepared_for_rotations;
    std::vector<Evaluator::RotatedTerm> terms;
};

template <typename Operation>
void add_benchmark(const std::shared_ptr<Bench>& bench, const char* name, Operation operation) {
    benchmark::RegisterBenchmark(
        (std::string(name) + "/lacuna/" + std::to_string(bench->context.n())).c_str(),
        [bench, operation](benchmark::State& state) {
            for (auto _ : state) {
                benchmark::DoNotOptimize(operation(*bench));
            }
        })
        ->Unit(benchmark::kMicrosecond);
}

void register_setting(const Setting& setting) {
    const auto bench = std::make_shared<Bench>(setting);
    add_benchmark(bench, "relin_keygen", [](Bench& x) { return x.generator.relin_keys(); });
    add_benchmark(bench, "encode", [](Bench& x) { return x.encoder.encode(x.values); });
    add_benchmark(bench, "decode", [](Bench& x) { return x.encoder.decode(x.plain); });
    add_benchmark(bench, "encrypt_public", [](Bench& x) { return x.public_encryptor.encrypt(x.plain); });
    add_benchmark(bench, "encrypt_symmetric", [](Bench& x) { return x.encryptor.encrypt_seeded(x.plain); });
    add_benchmark(bench, "decrypt", [](Bench& x) { return x.decryptor.decrypt(x.a); });
    add_benchmark(bench, "add", [](Bench& x) { return x.evaluator.add(x.a, x.b); });
    add_benchmark(bench, "add_plain", [](Bench& x) { return x.evaluator.add_plain(x.a, x.plain); });
    add_benchmark(bench, "multiply_plain", [](Bench& x) { return x.evaluator.multiply_plain(x.a, x.plain); });
    add_benchmark(bench, "multiply_plain_ntt",
                  [](Bench& x) { return x.evaluator.multiply_prepared(x.a_ntt, x.prepared); });
    add_benchmark(bench, "multiply_monomial", [](Bench& x) {
        return x.evaluator.multiply_monomial(x.a, {1, 5});
    });
    add_benchmark(bench, "multiply", [](Bench& x) { return x.evaluator.multiply(x.a, x.b); });
    add_benchmark(bench, "square", [](Bench& x) { return x.evaluator.square(x.a); });
    add_benchmark(bench, "square_unscaled", [](Bench& x) { return x.evaluator.square_unscaled(x.a); });
    add_benchmark(bench, "relinearize", [](Bench& x) { return x.evaluator.relinearize(x.square, x.relin); });
    add_benchmark(bench, "multiply_relinearize",
                  [](Bench& x) { return x.evaluator.relinearize(x.evaluator.multiply(x.a, x.b), x.relin); });
    add_benchmark(bench, "square_relinearize",
                  [](Bench& x) { return x.evaluator.relinearize(x.evaluator.square(x.a), x.relin); });
    add_benchmark(bench, "rotate_rows", [](Bench& x) { return x.evaluator.rotate_rows(x.a, 1, x.galois); });
    add_benchmark(bench, "rotate_rows_hoisted_4",
                  [](Bench& x) { return x.evaluator.rotate_rows_hoisted(x.a, rotations, x.galois); });
    // What a further rotation costs where it is one of a sum: the difference of these two, by three.
    for (const std::size_t count : {1, 4}) {
        add_benchmark(bench, ("sum_of_rotated_products_" + std::to_string(count)).c_str(), [count](Bench& x) {
            return x.evaluator.sum_of_rotated_products(
                x.a, std::span<const Evaluator::RotatedTerm>(x.terms).first(count), x.galois);
        });
    }
    add_benchmark(bench, "mod_switch", [](Bench& x) { return x.evaluator.mod_switch(x.a); });
}

}  // namespace
}  // namespace lacuna::bench

int main(int argc, char** argv) {
    for (const lacuna::bench::Setting& setting : lacuna::bench::settings()) {
        lacuna::bench::register_setting(setting);
        lacuna::bench::register_sparse(setting);
#ifdef LACUNA_BENCH_SEAL
        lacuna::bench::register_seal(setting);
#endif
#ifdef LACUNA_BENCH_OPENFHE
        lacuna::bench::register_openfhe(setting);
#endif
    }
    return lacuna::bench::run(argc, argv);
}
