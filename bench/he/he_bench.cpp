// SPDX-License-Identifier: Apache-2.0
//
// The scheme's operations, one thread (peers that have threads of their own: OMP_NUM_THREADS=1). Names are
// <operation>/lacuna/<n>; where SEAL or OpenFHE is installed, seal_bench.cpp and openfhe_bench.cpp add
// <operation>/seal/<n> and <operation>/openfhe/<n> to the same run, and bench/report.py prints the ratios.
// Each library gets its results as its users do: into an object that it makes anew or reuses. In rows named
// ..._in_place the result takes an operand's storage, where the library has a call for that.
#include <array>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_generator.h>
#include "bench/he/settings.h"
#include "bench/he/sparse_bench.h"
#include "bench/support/machine.h"
#include "bench/support/on_demand.h"

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

/// Operands that a benchmark may use up; its own.
struct Room {
    explicit Room(const Bench& x) : a(x.a), a_ntt(x.a_ntt) {}
    Ciphertext a;
    Ciphertext a_ntt;
};

void register_setting(const Setting& setting) {
    const auto bench = on_demand<Bench>(setting);
    const auto add = [&](const std::string& name, auto operation) {
        benchmark::RegisterBenchmark(
            (name + "/lacuna/" + std::to_string(setting.n)).c_str(),
            [bench, operation](benchmark::State& state) {
                const Bench& x = bench->get();
                Room room(x);
                for (auto _ : state) {
                    if constexpr (std::is_invocable_v<decltype(operation), const Bench&>) {
                        benchmark::DoNotOptimize(operation(x));
                    } else {
                        operation(x, room);
                        benchmark::ClobberMemory();
                    }
                }
            })
            ->Unit(benchmark::kMicrosecond);
    };
    add("relin_keygen", [](const Bench& x) { return x.generator.relin_keys(); });
    add("encode", [](const Bench& x) { return x.encoder.encode(x.values); });
    add("decode", [](const Bench& x) { return x.encoder.decode(x.plain); });
    add("encrypt_public", [](const Bench& x) { return x.public_encryptor.encrypt(x.plain); });
    add("encrypt_symmetric", [](const Bench& x) { return x.encryptor.encrypt_seeded(x.plain); });
    add("decrypt", [](const Bench& x) { return x.decryptor.decrypt(x.a); });
    add("decrypt_decode", [](const Bench& x) { return x.encoder.decode(x.decryptor.decrypt(x.a)); });
    add("add", [](const Bench& x) { return x.evaluator.add(x.a, x.b); });
    add("add_in_place", [](const Bench& x, Room& room) { room.a = x.evaluator.add(std::move(room.a), x.b); });
    add("add_plain", [](const Bench& x) { return x.evaluator.add_plain(x.a, x.plain); });
    add("add_plain_in_place",
        [](const Bench& x, Room& room) { room.a = x.evaluator.add_plain(std::move(room.a), x.plain); });
    add("multiply_plain", [](const Bench& x) { return x.evaluator.multiply_plain(x.a, x.plain); });
    add("multiply_plain_in_place",
        [](const Bench& x, Room& room) { room.a = x.evaluator.multiply_plain(room.a, x.plain); });
    add("multiply_plain_ntt",
        [](const Bench& x) { return x.evaluator.multiply_prepared(x.a_ntt, x.prepared); });
    add("multiply_plain_ntt_in_place", [](const Bench& x, Room& room) {
        room.a_ntt = x.evaluator.multiply_prepared(std::move(room.a_ntt), x.prepared);
    });
    // 1 x^5 is a shift alone, 3 x^5 a shift and a product, in either library that tells them apart.
    for (const std::int64_t c : monomial_coefficients) {
        const std::string name = "multiply_monomial_" + std::to_string(c);
        add(name, [c](const Bench& x) { return x.evaluator.multiply_monomial(x.a, {c, 5}); });
        add(name + "_in_place", [c](const Bench& x, Room& room) {
            room.a = x.evaluator.multiply_monomial(room.a, {c, 5});
        });
    }
    add("multiply", [](const Bench& x) { return x.evaluator.multiply(x.a, x.b); });
    add("square", [](const Bench& x) { return x.evaluator.square(x.a); });
    add("square_unscaled", [](const Bench& x) { return x.evaluator.square_unscaled(x.a); });
    add("relinearize", [](const Bench& x) { return x.evaluator.relinearize(x.square, x.relin); });
    add("multiply_relinearize",
        [](const Bench& x) { return x.evaluator.relinearize(x.evaluator.multiply(x.a, x.b), x.relin); });
    add("square_relinearize",
        [](const Bench& x) { return x.evaluator.relinearize(x.evaluator.square(x.a), x.relin); });
    add("square_unscaled_relinearize",
        [](const Bench& x) { return x.evaluator.relinearize(x.evaluator.square_unscaled(x.a), x.relin); });
    add("rotate_rows", [](const Bench& x) { return x.evaluator.rotate_rows(x.a, 1, x.galois); });
    add("rotate_rows_hoisted_4",
        [](const Bench& x) { return x.evaluator.rotate_rows_hoisted(x.a, rotations, x.galois); });
    // What a further rotation costs where it is one of a sum: the difference of these two, by three.
    for (const std::size_t count : {1, 4}) {
        add("sum_of_rotated_products_" + std::to_string(count), [count](const Bench& x) {
            return x.evaluator.sum_of_rotated_products(
                x.a, std::span<const Evaluator::RotatedTerm>(x.terms).first(count), x.galois);
        });
    }
    add("mod_switch", [](const Bench& x) { return x.evaluator.mod_switch(x.a); });
}

}  // namespace
}  // namespace lacuna::bench

int main(int argc, char** argv) {
#ifdef LACUNA_BENCH_SEAL
    benchmark::AddCustomContext("seal", lacuna::bench::seal_build());
#endif
#ifdef LACUNA_BENCH_OPENFHE
    benchmark::AddCustomContext("openfhe", lacuna::bench::openfhe_build());
#endif
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
