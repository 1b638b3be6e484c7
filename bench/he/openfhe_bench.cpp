// SPDX-License-Identifier: Apache-2.0
//
// The same operations by OpenFHE's BFVRNS, where it is installed, in the same run: as many data primes of the
// same size, hybrid key switching with one prime a digit, multiplication over a smaller modulus
// (HPSPOVERQLEVELED, its fastest).
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <openfhe.h>

#include <lacuna/ntt/error.h>
#include "bench/he/settings.h"
#include "bench/support/machine.h"
#include "bench/support/on_demand.h"

namespace lacuna::bench {
namespace {

namespace fhe = lbcrypto;

struct OpenFheBench {
    explicit OpenFheBench(const Setting& setting) : context(make_context(setting)) {
        context->Enable(fhe::PKE);
        context->Enable(fhe::KEYSWITCH);
        context->Enable(fhe::LEVELEDSHE);
        keys = context->KeyGen();
        context->EvalMultKeyGen(keys.secretKey);
        context->EvalRotateKeyGen(keys.secretKey, {1, 2, 3, 4});
        std::vector<std::int64_t> values(setting.n);
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<std::int64_t>(i * 7919 % 1000);
        }
        plain = context->MakePackedPlaintext(values);
        a = context->Encrypt(keys.publicKey, plain);
        b = context->Encrypt(keys.publicKey, plain);
        product = context->EvalMultNoRelin(a, b);
    }

    /// digits: of key switching; 0: OpenFHE's choice.
    static fhe::CryptoContext<fhe::DCRTPoly> make_context(const Setting& setting, std::uint32_t depth,
                                                          std::size_t digits) {
        fhe::CCParams<fhe::CryptoContextBFVRNS> parameters;
        parameters.SetSecurityLevel(fhe::HEStd_NotSet);
        parameters.SetRingDim(static_cast<std::uint32_t>(setting.n));
        parameters.SetPlaintextModulus(786433);  // 20 bits, 1 modulo 2n for every setting
        parameters.SetMultiplicativeDepth(depth);
        parameters.SetScalingModSize(static_cast<std::uint32_t>(setting.bits.front()));
        parameters.SetKeySwitchTechnique(fhe::HYBRID);
        parameters.SetNumLargeDigits(static_cast<std::uint32_t>(digits));
        parameters.SetMultiplicationTechnique(fhe::HPSPOVERQLEVELED);
        return fhe::GenCryptoContext(parameters);
    }

    /// The depth decides how many primes OpenFHE takes: one that gives the setting's number.
    static fhe::CryptoContext<fhe::DCRTPoly> make_context(const Setting& setting) {
        const std::size_t primes = setting.bits.size() - 1;
        for (std::uint32_t depth = 1; depth <= 12; ++depth) {
            if (make_context(setting, depth, 0)->GetElementParams()->GetParams().size() == primes) {
                return make_context(setting, depth, primes);
            }
        }
        throw Error("OpenFHE: no depth up to 12 gives " + std::to_string(primes) + " primes of " +
                    std::to_string(setting.bits.front()) + " bits");
    }

    fhe::CryptoContext<fhe::DCRTPoly> context;
    fhe::KeyPair<fhe::DCRTPoly> keys;
    mutable fhe::Plaintext plain;  // its calls take plaintexts that they may transform
    fhe::Ciphertext<fhe::DCRTPoly> a;
    fhe::Ciphertext<fhe::DCRTPoly> b;
    fhe::Ciphertext<fhe::DCRTPoly> product;
};

/// What a benchmark may use up: its own.
struct Room {
    explicit Room(const OpenFheBench& x) : a(x.a->Clone()) {}
    fhe::Ciphertext<fhe::DCRTPoly> a;
    fhe::Plaintext plain;
    fhe::NativePoly decrypted;
};

void register_setting(const Setting& setting) {
    const auto bench = on_demand<OpenFheBench>(setting);
    const auto add = [&](const char* name, auto operation) {
        benchmark::RegisterBenchmark((std::string(name) + "/openfhe/" + std::to_string(setting.n)).c_str(),
                                     [bench, operation](benchmark::State& state) {
                                         try {
                                             const OpenFheBench& x = bench->get();
                                             Room room(x);
                                             for (auto _ : state) {
                                                 benchmark::DoNotOptimize(operation(x, room));
                                             }
                                         } catch (const Error& error) {
                                             state.SkipWithError(error.what());
                                         }
                                     })
            ->Unit(benchmark::kMicrosecond)
            ->MeasureProcessCPUTime();  // of whatever threads it was built with
    };
    using Bench = const OpenFheBench&;
    add("encrypt_public", [](Bench x, Room&) { return x.context->Encrypt(x.keys.publicKey, x.plain); });
    add("encrypt_symmetric", [](Bench x, Room&) { return x.context->Encrypt(x.keys.secretKey, x.plain); });
    // Decryption to the plaintext polynomial, as elsewhere; the context's own call decodes it, too.
    add("decrypt", [](Bench x, Room& room) {
        return x.context->GetScheme()->Decrypt(x.a, x.keys.secretKey, &room.decrypted);
    });
    add("decrypt_decode",
        [](Bench x, Room& room) { return x.context->Decrypt(x.keys.secretKey, x.a, &room.plain); });
    add("add", [](Bench x, Room&) { return x.context->EvalAdd(x.a, x.b); });
    add("add_in_place", [](Bench x, Room& room) {
        x.context->EvalAddInPlace(room.a, x.b);
        return 0;
    });
    add("add_plain", [](Bench x, Room&) { return x.context->EvalAdd(x.a, x.plain); });
    add("multiply_plain_ntt", [](Bench x, Room&) { return x.context->EvalMult(x.a, x.plain); });
    add("multiply", [](Bench x, Room&) { return x.context->EvalMultNoRelin(x.a, x.b); });
    add("relinearize", [](Bench x, Room&) { return x.context->Relinearize(x.product); });
    add("multiply_relinearize", [](Bench x, Room&) { return x.context->EvalMult(x.a, x.b); });
    add("square_relinearize", [](Bench x, Room&) { return x.context->EvalSquare(x.a); });
    add("rotate_rows", [](Bench x, Room&) { return x.context->EvalRotate(x.a, 1); });
    add("rotate_rows_hoisted_4", [](Bench x, Room&) {
        const auto digits = x.context->EvalFastRotationPrecompute(x.a);
        fhe::Ciphertext<fhe::DCRTPoly> last;
        for (std::uint32_t steps = 1; steps <= 4; ++steps) {
            last = x.context->EvalFastRotation(x.a, steps, digits);
        }
        return last;
    });
}

}  // namespace

void register_openfhe(const Setting& setting) {
    register_setting(setting);
}

std::string openfhe_build() {
    std::string build = "OpenFHE " + GetOPENFHEVersion();
#ifdef WITH_INTEL_HEXL
    build += " with " + hexl_name();
#else
    build += " without Intel HEXL";
#endif
    return build + LACUNA_BENCH_OPENFHE;
}

}  // namespace lacuna::bench
