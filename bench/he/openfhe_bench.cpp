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

#include "bench/he/settings.h"

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

    /// The depth decides how many primes OpenFHE takes: one that gives the setting's number, or nothing.
    static fhe::CryptoContext<fhe::DCRTPoly> make_context(const Setting& setting) {
        const std::size_t primes = setting.bits.size() - 1;
        for (std::uint32_t depth = 1; depth <= 12; ++depth) {
            if (make_context(setting, depth, 0)->GetElementParams()->GetParams().size() == primes) {
                return make_context(setting, depth, primes);
            }
        }
        return nullptr;
    }

    fhe::CryptoContext<fhe::DCRTPoly> context;
    fhe::KeyPair<fhe::DCRTPoly> keys;
    fhe::Plaintext plain;
    fhe::Plaintext plain_out;
    fhe::Ciphertext<fhe::DCRTPoly> a;
    fhe::Ciphertext<fhe::DCRTPoly> b;
    fhe::Ciphertext<fhe::DCRTPoly> product;
};

void register_setting(const Setting& setting) {
    if (OpenFheBench::make_context(setting) == nullptr) {
        return;  // no depth gives this number of primes of this size
    }
    const auto bench = std::make_shared<OpenFheBench>(setting);
    const auto add = [&](const char* name, auto operation) {
        benchmark::RegisterBenchmark((std::string(name) + "/openfhe/" + std::to_string(setting.n)).c_str(),
                                     [bench, operation](benchmark::State& state) {
                                         for (auto _ : state) {
                                             benchmark::DoNotOptimize(operation(*bench));
                                         }
                                     })
            ->Unit(benchmark::kMicrosecond);
    };
    add("encrypt_public", [](OpenFheBench& x) { return x.context->Encrypt(x.keys.publicKey, x.plain); });
    add("encrypt_symmetric", [](OpenFheBench& x) { return x.context->Encrypt(x.keys.secretKey, x.plain); });
    add("decrypt", [](OpenFheBench& x) { return x.context->Decrypt(x.keys.secretKey, x.a, &x.plain_out); });
    add("add", [](OpenFheBench& x) { return x.context->EvalAdd(x.a, x.b); });
    add("multiply_plain_ntt", [](OpenFheBench& x) { return x.context->EvalMult(x.a, x.plain); });
    add("multiply", [](OpenFheBench& x) { return x.context->EvalMultNoRelin(x.a, x.b); });
    add("relinearize", [](OpenFheBench& x) { return x.context->Relinearize(x.product); });
    add("multiply_relinearize", [](OpenFheBench& x) { return x.context->EvalMult(x.a, x.b); });
    add("square_relinearize", [](OpenFheBench& x) { return x.context->EvalSquare(x.a); });
    add("rotate_rows", [](OpenFheBench& x) { return x.context->EvalRotate(x.a, 1); });
    add("rotate_rows_hoisted_4", [](OpenFheBench& x) {
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

}  // namespace lacuna::bench
