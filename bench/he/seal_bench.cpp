// SPDX-License-Identifier: Apache-2.0
//
// The same operations by Microsoft SEAL, where it is installed, at the same parameters in the same run.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <seal/seal.h>

#include "bench/he/settings.h"

namespace lacuna::bench {
namespace {

struct SealBench {
    explicit SealBench(const Setting& setting)
        : context(parameters(setting), true, seal::sec_level_type::none),
          generator(context),
          encoder(context),
          evaluator(context) {
        generator.create_public_key(public_key);
        generator.create_relin_keys(relin);
        generator.create_galois_keys(std::vector<int>{1, 2, 3, 4}, galois);
        encryptor = std::make_unique<seal::Encryptor>(context, public_key, generator.secret_key());
        decryptor = std::make_unique<seal::Decryptor>(context, generator.secret_key());
        values.resize(encoder.slot_count());
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = i * 7919 % 1000;
        }
        encoder.encode(values, plain);
        monomial = seal::Plaintext("1x^5");
        constant = seal::Plaintext("4");
        encryptor->encrypt(plain, a);
        encryptor->encrypt(plain, b);
        scratch = a;
        out = a;
        evaluator.square(a, square);
        evaluator.transform_to_ntt(a, a_ntt);
        evaluator.transform_to_ntt(plain, a.parms_id(), plain_ntt);
    }

    static seal::EncryptionParameters parameters(const Setting& setting) {
        seal::EncryptionParameters result(seal::scheme_type::bfv);
        result.set_poly_modulus_degree(setting.n);
        result.set_coeff_modulus(seal::CoeffModulus::Create(setting.n, setting.bits));
        result.set_plain_modulus(seal::PlainModulus::Batching(setting.n, plain_bits));
        return result;
    }

    seal::SEALContext context;
    seal::KeyGenerator generator;
    seal::BatchEncoder encoder;
    seal::Evaluator evaluator;
    seal::PublicKey public_key;
    seal::RelinKeys relin;
    seal::GaloisKeys galois;
    std::unique_ptr<seal::Encryptor> encryptor;
    std::unique_ptr<seal::Decryptor> decryptor;
    std::vector<std::uint64_t> values;
    seal::Plaintext plain;
    seal::Plaintext plain_ntt;
    seal::Plaintext monomial;
    seal::Plaintext constant;
    seal::Ciphertext scratch;
    seal::Ciphertext a;
    seal::Ciphertext b;
    seal::Ciphertext square;
    seal::Ciphertext a_ntt;
    // Reused, so that SEAL is not charged for allocation.
    seal::Ciphertext out;
    seal::Ciphertext sum;
    seal::Plaintext plain_out;
    std::vector<std::uint64_t> values_out;
};

template <typename Operation>
void add_benchmark(const std::shared_ptr<SealBench>& bench, const char* name, std::size_t n,
                   Operation operation) {
    benchmark::RegisterBenchmark((std::string(name) + "/seal/" + std::to_string(n)).c_str(),
                                 [bench, operation](benchmark::State& state) {
                                     for (auto _ : state) {
                                         operation(*bench);
                                         benchmark::ClobberMemory();
                                     }
                                 })
        ->Unit(benchmark::kMicrosecond);
}

void register_setting(const Setting& setting) {
    const auto bench = std::make_shared<SealBench>(setting);
    const auto add = [&](const char* name, auto operation) {
        add_benchmark(bench, name, setting.n, operation);
    };
    add("relin_keygen", [](SealBench& x) {
        seal::RelinKeys keys;
        x.generator.create_relin_keys(keys);
    });
    add("encode", [](SealBench& x) { x.encoder.encode(x.values, x.plain_out); });
    add("decode", [](SealBench& x) { x.encoder.decode(x.plain, x.values_out); });
    add("encrypt_public", [](SealBench& x) { x.encryptor->encrypt(x.plain, x.out); });
    add("encrypt_symmetric", [](SealBench& x) { x.encryptor->encrypt_symmetric(x.plain, x.out); });
    add("decrypt", [](SealBench& x) { x.decryptor->decrypt(x.a, x.plain_out); });
    add("add", [](SealBench& x) { x.evaluator.add(x.a, x.b, x.out); });
    add("add_plain", [](SealBench& x) { x.evaluator.add_plain(x.a, x.plain, x.out); });
    add("multiply_plain", [](SealBench& x) { x.evaluator.multiply_plain(x.a, x.plain, x.out); });
    add("multiply_plain_ntt", [](SealBench& x) { x.evaluator.multiply_plain(x.a_ntt, x.plain_ntt, x.out); });
    add("multiply_monomial", [](SealBench& x) { x.evaluator.multiply_plain(x.a, x.monomial, x.out); });
    // One term of a sparse layer: a product with a constant, in place, and an addition.
    add("sparse_term", [](SealBench& x) {
        x.evaluator.multiply_plain_inplace(x.scratch, x.constant);
        x.evaluator.add_inplace(x.out, x.scratch);
    });
    add("multiply", [](SealBench& x) { x.evaluator.multiply(x.a, x.b, x.out); });
    add("square", [](SealBench& x) { x.evaluator.square(x.a, x.out); });
    add("relinearize", [](SealBench& x) { x.evaluator.relinearize(x.square, x.relin, x.out); });
    add("multiply_relinearize", [](SealBench& x) {
        x.evaluator.multiply(x.a, x.b, x.out);
        x.evaluator.relinearize_inplace(x.out, x.relin);
    });
    add("square_relinearize", [](SealBench& x) {
        x.evaluator.square(x.a, x.out);
        x.evaluator.relinearize_inplace(x.out, x.relin);
    });
    add("rotate_rows", [](SealBench& x) { x.evaluator.rotate_rows(x.a, 1, x.galois, x.out); });
    add("rotate_rows_hoisted_4", [](SealBench& x) {
        for (int steps = 1; steps <= 4; ++steps) {
            x.evaluator.rotate_rows(x.a, steps, x.galois, x.out);
        }
    });
    for (const int count : {1, 4}) {
        add(("sum_of_rotated_products_" + std::to_string(count)).c_str(), [count](SealBench& x) {
            for (int steps = 1; steps <= count; ++steps) {
                x.evaluator.rotate_rows(x.a, steps, x.galois, x.out);
                x.evaluator.transform_to_ntt_inplace(x.out);
                x.evaluator.multiply_plain_inplace(x.out, x.plain_ntt);
                if (steps == 1) {
                    x.sum = x.out;
                } else {
                    x.evaluator.add_inplace(x.sum, x.out);
                }
            }
            x.evaluator.transform_from_ntt_inplace(x.sum);
        });
    }
    add("mod_switch", [](SealBench& x) { x.evaluator.mod_switch_to_next(x.a, x.out); });
}

}  // namespace

void register_seal(const Setting& setting) {
    register_setting(setting);
}

}  // namespace lacuna::bench
