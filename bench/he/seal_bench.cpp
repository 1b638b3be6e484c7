// SPDX-License-Identifier: Apache-2.0
//
// The same operations by Microsoft SEAL, where it is installed, at the same parameters in the same run. Its
// BGV stands beside our unscaled square, which is a product of BGV's kind; SEAL's BFV has none.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <seal/seal.h>

#include "bench/he/settings.h"
#include "bench/he/sparse_bench.h"
#include "bench/support/machine.h"
#include "bench/support/on_demand.h"

namespace lacuna::bench {
namespace {

/// Keys and a ciphertext of one of SEAL's schemes.
struct SealScheme {
    SealScheme(const Setting& setting, seal::scheme_type type)
        : context(parameters(setting, type), true, seal::sec_level_type::none),
          generator(std::make_unique<seal::KeyGenerator>(context)),
          encoder(context),
          evaluator(context) {
        generator->create_public_key(public_key);
        generator->create_relin_keys(relin);
        encryptor = std::make_unique<const seal::Encryptor>(context, public_key, generator->secret_key());
        decryptor = std::make_unique<seal::Decryptor>(context, generator->secret_key());
        values.resize(encoder.slot_count());
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = i * 7919 % 1000;
        }
        encoder.encode(values, plain);
        encryptor->encrypt(plain, a);
        a_ntt = a;
        if (!a.is_ntt_form()) {
            evaluator.transform_to_ntt_inplace(a_ntt);
        }
    }

    static seal::EncryptionParameters parameters(const Setting& setting, seal::scheme_type type) {
        seal::EncryptionParameters result(type);
        result.set_poly_modulus_degree(setting.n);
        result.set_coeff_modulus(seal::CoeffModulus::Create(setting.n, setting.bits));
        result.set_plain_modulus(seal::PlainModulus::Batching(setting.n, plain_bits));
        return result;
    }

    seal::SEALContext context;
    std::unique_ptr<seal::KeyGenerator> generator;
    seal::BatchEncoder encoder;
    seal::Evaluator evaluator;
    seal::PublicKey public_key;
    seal::RelinKeys relin;
    std::unique_ptr<const seal::Encryptor> encryptor;
    std::unique_ptr<seal::Decryptor> decryptor;
    std::vector<std::uint64_t> values;
    seal::Plaintext plain;
    seal::Ciphertext a;  // in the scheme's own form: coefficients for BFV, NTT for BGV
    seal::Ciphertext a_ntt;
};

struct SealBfv : SealScheme {
    explicit SealBfv(const Setting& setting) : SealScheme(setting, seal::scheme_type::bfv) {
        generator->create_galois_keys(std::vector<int>{1, 2, 3, 4}, galois);
        encryptor->encrypt(plain, b);
        evaluator.square(a, square);
        evaluator.transform_to_ntt(plain, a.parms_id(), plain_ntt);
    }

    seal::GaloisKeys galois;
    seal::Plaintext plain_ntt;
    seal::Ciphertext b;
    seal::Ciphertext square;
};

struct SealBgv : SealScheme {
    explicit SealBgv(const Setting& setting) : SealScheme(setting, seal::scheme_type::bgv) {}
};

/// What a benchmark writes: its own, and reused, so that SEAL is not charged for allocation.
struct Room {
    explicit Room(const SealScheme& x) : out(x.a), ntt(x.a_ntt), group(x.a) {}
    seal::Ciphertext out;
    seal::Ciphertext ntt;
    seal::Ciphertext group;
    seal::Plaintext plain;
    std::vector<std::uint64_t> values;
};

template <typename Scheme, typename Operation>
void add_benchmark(const std::shared_ptr<OnDemand<Scheme>>& scheme, const std::string& name,
                   const Operation& operation) {
    benchmark::RegisterBenchmark(name.c_str(), [scheme, operation](benchmark::State& state) {
        const Scheme& x = scheme->get();
        Room room(x);
        for (auto _ : state) {
            operation(x, room);
            benchmark::ClobberMemory();
        }
    })->Unit(benchmark::kMicrosecond);
}

void register_bfv(const Setting& setting) {
    const auto scheme = on_demand<SealBfv>(setting);
    const auto add = [&](const std::string& name, auto operation) {
        add_benchmark(scheme, name + "/seal/" + std::to_string(setting.n), operation);
    };
    using Scheme = const SealBfv&;
    add("relin_keygen", [](Scheme x, Room&) {
        seal::RelinKeys keys;
        x.generator->create_relin_keys(keys);
    });
    add("encode", [](Scheme x, Room& room) { x.encoder.encode(x.values, room.plain); });
    add("decode", [](Scheme x, Room& room) { x.encoder.decode(x.plain, room.values); });
    add("encrypt_public", [](Scheme x, Room& room) { x.encryptor->encrypt(x.plain, room.out); });
    add("encrypt_symmetric", [](Scheme x, Room& room) { x.encryptor->encrypt_symmetric(x.plain, room.out); });
    add("decrypt", [](Scheme x, Room& room) { x.decryptor->decrypt(x.a, room.plain); });
    add("decrypt_decode", [](Scheme x, Room& room) {
        x.decryptor->decrypt(x.a, room.plain);
        x.encoder.decode(room.plain, room.values);
    });
    add("add", [](Scheme x, Room& room) { x.evaluator.add(x.a, x.b, room.out); });
    add("add_in_place", [](Scheme x, Room& room) { x.evaluator.add_inplace(room.out, x.b); });
    add("add_plain", [](Scheme x, Room& room) { x.evaluator.add_plain(x.a, x.plain, room.out); });
    add("add_plain_in_place", [](Scheme x, Room& room) { x.evaluator.add_plain_inplace(room.out, x.plain); });
    add("multiply_plain", [](Scheme x, Room& room) { x.evaluator.multiply_plain(x.a, x.plain, room.out); });
    add("multiply_plain_in_place",
        [](Scheme x, Room& room) { x.evaluator.multiply_plain_inplace(room.out, x.plain); });
    add("multiply_plain_ntt",
        [](Scheme x, Room& room) { x.evaluator.multiply_plain(x.a_ntt, x.plain_ntt, room.out); });
    add("multiply_plain_ntt_in_place",
        [](Scheme x, Room& room) { x.evaluator.multiply_plain_inplace(room.ntt, x.plain_ntt); });
    for (const std::int64_t c : monomial_coefficients) {
        const std::string name = "multiply_monomial_" + std::to_string(c);
        const seal::Plaintext monomial(std::to_string(c) + "x^5");
        add(name, [monomial](Scheme x, Room& room) { x.evaluator.multiply_plain(x.a, monomial, room.out); });
        add(name + "_in_place",
            [monomial](Scheme x, Room& room) { x.evaluator.multiply_plain_inplace(room.out, monomial); });
    }
    add("multiply", [](Scheme x, Room& room) { x.evaluator.multiply(x.a, x.b, room.out); });
    const auto square = [](Scheme x, Room& room) { x.evaluator.square(x.a, room.out); };
    const auto square_relinearize = [](Scheme x, Room& room) {
        x.evaluator.square(x.a, room.out);
        x.evaluator.relinearize_inplace(room.out, x.relin);
    };
    add("square", square);
    add("square_unscaled", square);
    add("relinearize", [](Scheme x, Room& room) { x.evaluator.relinearize(x.square, x.relin, room.out); });
    add("multiply_relinearize", [](Scheme x, Room& room) {
        x.evaluator.multiply(x.a, x.b, room.out);
        x.evaluator.relinearize_inplace(room.out, x.relin);
    });
    add("square_relinearize", square_relinearize);
    add("square_unscaled_relinearize", square_relinearize);
    add("rotate_rows", [](Scheme x, Room& room) { x.evaluator.rotate_rows(x.a, 1, x.galois, room.out); });
    add("rotate_rows_hoisted_4", [](Scheme x, Room& room) {
        for (int steps = 1; steps <= 4; ++steps) {
            x.evaluator.rotate_rows(x.a, steps, x.galois, room.out);
        }
    });
    for (const int count : {1, 4}) {
        add("sum_of_rotated_products_" + std::to_string(count), [count](Scheme x, Room& room) {
            for (int steps = 1; steps <= count; ++steps) {
                seal::Ciphertext& term = steps == 1 ? room.out : room.group;
                x.evaluator.rotate_rows(x.a, steps, x.galois, term);
                x.evaluator.transform_to_ntt_inplace(term);
                x.evaluator.multiply_plain_inplace(term, x.plain_ntt);
                if (steps != 1) {
                    x.evaluator.add_inplace(room.out, term);
                }
            }
            x.evaluator.transform_from_ntt_inplace(room.out);
        });
    }
    add("mod_switch", [](Scheme x, Room& room) { x.evaluator.mod_switch_to_next(x.a, room.out); });
}

/// Each library squares in the form that it keeps ciphertexts in: SEAL's BGV in NTT form, ours in
/// coefficients, so that the square alone has transforms on our side only, and relinearisation more of them
/// on SEAL's.
void register_bgv(const Setting& setting) {
    const auto scheme = on_demand<SealBgv>(setting);
    const std::string size = "/seal_bgv/" + std::to_string(setting.n);
    add_benchmark(scheme, "square_unscaled" + size,
                  [](const SealBgv& x, Room& room) { x.evaluator.square(x.a, room.out); });
    add_benchmark(scheme, "square_unscaled_relinearize" + size, [](const SealBgv& x, Room& room) {
        x.evaluator.square(x.a, room.out);
        x.evaluator.relinearize_inplace(room.out, x.relin);
    });
}

/// The terms of a row with equal |c| = 2^k.
struct Group {
    seal::Plaintext constant;
    std::vector<std::uint32_t> plus;
    std::vector<std::uint32_t> minus;
};

struct SealSparse : SealScheme {
    explicit SealSparse(const Setting& setting) : SealScheme(setting, seal::scheme_type::bfv) {
        inputs.resize(sparse_inputs);
        for (seal::Ciphertext& input : inputs) {  // distinct, so that no sum is zero, which SEAL refuses
            encryptor->encrypt_symmetric(plain, input);
        }
        for (const std::vector<SparseTerm>& row : sparse_rows()) {
            std::vector<Group>& groups = rows.emplace_back(4);
            for (std::size_t k = 0; k < groups.size(); ++k) {
                groups[k].constant = seal::Plaintext(std::to_string(1 << k));
                for (const SparseTerm& term : row) {
                    if (term.coefficient == 1 << k) {
                        groups[k].plus.push_back(term.input);
                    } else if (term.coefficient == -(1 << k)) {
                        groups[k].minus.push_back(term.input);
                    }
                }
            }
        }
    }

    std::vector<seal::Ciphertext> inputs;
    std::vector<std::vector<Group>> rows;
};

std::size_t term_count(const std::vector<Group>& row) {
    std::size_t count = 0;
    for (const Group& group : row) {
        count += group.plus.size() + group.minus.size();
    }
    return count;
}

/// A row as a user of SEAL can write it: the terms of a group are summed in place, then scaled once.
void sum_row(const SealSparse& x, const std::vector<Group>& row, Room& room) {
    for (const Group& group : row) {
        const bool first = &group == row.data();
        seal::Ciphertext& sum = first ? room.out : room.group;
        sum = x.inputs[group.plus.front()];
        for (std::size_t i = 1; i < group.plus.size(); ++i) {
            x.evaluator.add_inplace(sum, x.inputs[group.plus[i]]);
        }
        for (const std::uint32_t input : group.minus) {
            x.evaluator.sub_inplace(sum, x.inputs[input]);
        }
        if (!first) {  // |c| = 1 needs no product
            x.evaluator.multiply_plain_inplace(sum, group.constant);
            x.evaluator.add_inplace(room.out, sum);
        }
    }
}

/// One term of a sparse layer, two ways. seal_hot: a product with a constant and an addition, both in place,
/// over one ciphertext that stays in the cache. seal_grouped: whole rows, grouped, over inputs that come from
/// memory as a layer's do.
void register_sparse_terms(const Setting& setting) {
    const auto scheme = on_demand<SealSparse>(setting);
    const std::string n = std::to_string(setting.n);
    const seal::Plaintext constant("4");
    add_benchmark(scheme, "sparse_term/seal_hot/" + n, [constant](const SealSparse& x, Room& room) {
        x.evaluator.multiply_plain_inplace(room.group, constant);
        x.evaluator.add_inplace(room.out, room.group);
    });
    benchmark::RegisterBenchmark(("sparse_term/seal_grouped/" + n).c_str(), [scheme](
                                                                                benchmark::State& state) {
        const SealSparse& x = scheme->get();
        Room room(x);
        std::size_t next = 0;
        std::size_t terms = 0;
        for (auto _ : state) {
            const std::vector<Group>& row = x.rows[next++ % x.rows.size()];
            sum_row(x, row, room);
            terms += term_count(row);
            benchmark::ClobberMemory();
        }
        state.counters["parts"] = static_cast<double>(terms) / static_cast<double>(state.iterations());
    })->Unit(benchmark::kMicrosecond);
}

}  // namespace

std::string seal_build() {
    std::string build = "SEAL " + std::to_string(SEAL_VERSION_MAJOR) + "." +
                        std::to_string(SEAL_VERSION_MINOR) + "." + std::to_string(SEAL_VERSION_PATCH);
#ifdef SEAL_USE_INTEL_HEXL
    build += " with " + hexl_name();
#else
    build += " without Intel HEXL";
#endif
    return build;
}

void register_seal(const Setting& setting) {
    register_bfv(setting);
    register_bgv(setting);
    register_sparse_terms(setting);
}

}  // namespace lacuna::bench
