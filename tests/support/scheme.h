// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_generator.h>

namespace lacuna::testing {

/// Everything a scheme test needs, over one set of parameters.
struct Scheme {
    explicit Scheme(const Parameters& parameters)
        : context(parameters),
          generator(context),
          public_key(generator.public_key()),
          public_encryptor(context, public_key),
          encryptor(context, generator.secret_key()),
          decryptor(context, generator.secret_key()),
          evaluator(context) {}

    Context context;
    KeyGenerator generator;
    PublicKey public_key;
    Encryptor public_encryptor;
    Encryptor encryptor;
    Decryptor decryptor;
    Evaluator evaluator;
};

/// Small insecure parameters, so that the oracle's schoolbook products stay quick.
inline Parameters small_parameters(std::size_t n, std::vector<int> data, std::vector<int> special,
                                   std::vector<std::uint64_t> plain_moduli, std::size_t digit_limbs = 1) {
    Parameters parameters;
    parameters.n = n;
    parameters.data_bits = std::move(data);
    parameters.special_bits = std::move(special);
    parameters.plain_moduli = std::move(plain_moduli);
    parameters.digit_limbs = digit_limbs;
    parameters.allow_insecure = true;
    return parameters;
}

inline Plaintext random_plaintext(std::size_t n, std::uint64_t t, std::mt19937_64& random) {
    Plaintext plaintext(n, t);
    std::uniform_int_distribution<std::uint64_t> uniform(0, t - 1);
    for (std::size_t i = 0; i < n; ++i) {
        plaintext[i] = uniform(random);
    }
    return plaintext;
}

/// Every coefficient the same: t/2 and t/2 + 1 are the extremes of the centred lift.
inline Plaintext constant_plaintext(std::size_t n, std::uint64_t t, std::uint64_t value) {
    Plaintext plaintext(n, t);
    for (std::size_t i = 0; i < n; ++i) {
        plaintext[i] = value;
    }
    return plaintext;
}

// The oracle: Z_t[x]/(x^n + 1) from its definition.

inline Plaintext ring_add(const Plaintext& a, const Plaintext& b) {
    Plaintext sum(a.n(), a.modulus());
    for (std::size_t i = 0; i < a.n(); ++i) {
        sum[i] = (a[i] + b[i]) % a.modulus();
    }
    return sum;
}

inline Plaintext ring_negate(const Plaintext& a) {
    Plaintext result(a.n(), a.modulus());
    for (std::size_t i = 0; i < a.n(); ++i) {
        result[i] = (a.modulus() - a[i]) % a.modulus();
    }
    return result;
}

inline Plaintext ring_multiply(const Plaintext& a, const Plaintext& b) {
    const std::uint64_t t = a.modulus();
    Plaintext product(a.n(), t);
    for (std::size_t i = 0; i < a.n(); ++i) {
        for (std::size_t j = 0; j < a.n(); ++j) {
            const auto term = static_cast<std::uint64_t>(uint128_t{a[i]} * b[j] % t);
            const std::size_t k = (i + j) % a.n();
            product[k] = (product[k] + (i + j < a.n() ? term : t - term)) % t;
        }
    }
    return product;
}

/// a(x^g)
inline Plaintext ring_automorphism(const Plaintext& a, std::uint64_t g) {
    Plaintext result(a.n(), a.modulus());
    for (std::size_t i = 0; i < a.n(); ++i) {
        const std::uint64_t k = i * g % (2 * a.n());
        result[k % a.n()] = k < a.n() ? a[i] : (a.modulus() - a[i]) % a.modulus();
    }
    return result;
}

}  // namespace lacuna::testing
