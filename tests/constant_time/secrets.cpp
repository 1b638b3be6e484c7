// SPDX-License-Identifier: Apache-2.0
//
// Constant time of key generation, encryption, flooding and decryption, seen by valgrind's memcheck: every
// bit from the private generator, which the secret, the errors and the roundings all come from, and every
// message counts as undefined memory, so that memcheck reports each branch and each address that depends on
// one (the idea of A. Langley's ctgrind). Valgrind knows no AVX-512: tests/constant_time/trace_test.cpp looks
// at that kernel; all code around the kernels is the same.
//
//     LACUNA_KERNELS=avx2 valgrind --error-exitcode=1 --suppressions=tests/constant_time/public.supp secrets
//     ... secrets --leak    branches on a secret, and has to fail
#include <dlfcn.h>
#include <valgrind/memcheck.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <string_view>

#include <lacuna/he/evaluation/flooding.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_generator.h>

extern "C" [[gnu::visibility("default")]] int RAND_priv_bytes(unsigned char* bytes, int count) {
    using Generator = int (*)(unsigned char*, int);
    const auto original = reinterpret_cast<Generator>(::dlsym(RTLD_NEXT, "RAND_priv_bytes"));
    const int status = original(bytes, count);
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, count);
    return status;
}

namespace lacuna {
namespace {

void hide(Plaintext& plaintext) {
    VALGRIND_MAKE_MEM_UNDEFINED(plaintext.data(), plaintext.n() * sizeof(std::uint64_t));
}

void reveal(const Plaintext& plaintext) {
    VALGRIND_MAKE_MEM_DEFINED(plaintext.data(), plaintext.n() * sizeof(std::uint64_t));
}

bool all_undefined(const Plaintext& plaintext) {
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        std::uint64_t undefined_bits = 0;
        (void)VALGRIND_GET_VBITS(&plaintext.data()[i], &undefined_bits, sizeof undefined_bits);
        if (undefined_bits == 0) {
            return false;
        }
    }
    return true;
}

/// Everything that a client does with its secrets, and a server with the flood.
int run(bool leak) {
    Parameters parameters;
    parameters.n = 1024;
    parameters.data_bits = {50, 49, 30};
    parameters.special_bits = {50, 35};
    parameters.digit_limbs = 2;
    parameters.plain_moduli = {12289, (std::uint64_t{1} << 40) - 87};
    parameters.allow_insecure = true;
    const Context context(parameters);
    const KeyGenerator generator(context);
    const PublicKey public_key = generator.public_key();
    const RelinKeys relin_keys = generator.relin_keys();
    const GaloisKeys galois_keys = generator.galois_keys(std::array{1}, true);
    const Encryptor symmetric(context, generator.secret_key());
    const Encryptor with_public_key(context, public_key);
    const Decryptor decryptor(context, generator.secret_key());
    int wrong = 0;
    for (const std::uint64_t t : parameters.plain_moduli) {
        Plaintext message(context.n(), t);
        for (std::size_t i = 0; i < message.n(); ++i) {
            message[i] = i * 31 % t;
        }
        const Plaintext expected = message;
        hide(message);
        const Ciphertext first = symmetric.encrypt(message);
        const Ciphertext second = with_public_key.encrypt(message);
        const Ciphertext flooded = flood(context, with_public_key, second, 70);
        for (const Ciphertext* ciphertext : {&first, &second, &flooded}) {
            const Plaintext found = decryptor.decrypt(*ciphertext);
            if (RUNNING_ON_VALGRIND != 0 && !all_undefined(found)) {
                std::cerr << "secrets: expected all of the message to count as secret, found words that do "
                             "not: memcheck lost track of them\n";
                return 2;
            }
            reveal(found);
            wrong += found == expected ? 0 : 1;
        }
        if (leak && message[0] == 3) {
            std::cerr << "secrets: leaked\n";
        }
    }
    // Valgrind 3.19 computes some AVX2 instructions otherwise than processors do, which changes words alone.
    if (active_kernels().name != "portable") {
        return 0;
    }
    if (wrong != 0) {
        std::cerr << "secrets: expected the messages to come back, found others\n";
    }
    return wrong;
}

}  // namespace
}  // namespace lacuna

int main(int count, char** arguments) {
    if (RUNNING_ON_VALGRIND == 0) {
        std::cerr << "secrets: expected to run under valgrind, found none; the head of this file says how\n";
        return 2;
    }
    return lacuna::run(count == 2 && std::string_view(arguments[1]) == "--leak");
}
