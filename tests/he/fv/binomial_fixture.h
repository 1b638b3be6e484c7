// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/plain_modulus.h>
#include "tests/support/binomial.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {

inline Parameters binomial_parameters(std::size_t n, std::size_t k, std::int64_t b, std::vector<int> data,
                                      std::vector<int> special, std::size_t digit_limbs = 1) {
    Parameters parameters = small_parameters(n, std::move(data), std::move(special), {}, digit_limbs);
    parameters.plain_polynomials = {PlainModulus::binomial(k, b)};
    return parameters;
}

struct BinomialSetting {
    const char* name;
    Parameters parameters;
};

/// One slot and many, p prime and not, b even, odd, negative and tiny; grouped digits; unequal primes; a
/// product that needs one helper prime more than with an integer t (n1024).
inline const std::vector<BinomialSetting>& binomial_settings() {
    static const std::vector<BinomialSetting> all = {
        {"n16_k1_b2", binomial_parameters(16, 1, 2, {50, 50, 50}, {50})},
        {"n16_k8_b2", binomial_parameters(16, 8, 2, {50, 50, 50}, {50})},
        {"n16_k1_minus2", binomial_parameters(16, 1, -2, {50, 50, 50}, {50})},
        {"n64_k8_b3", binomial_parameters(64, 8, 3, {45, 44, 46, 45}, {47, 48}, 2)},
        {"n64_k16_minus6", binomial_parameters(64, 16, -6, {50, 50, 50, 32}, {50})},
        {"n128_k32_b160", binomial_parameters(128, 32, 160, {40, 40, 40, 40}, {42, 42, 42}, 3)},
        {"n256_k16_b44", binomial_parameters(256, 16, 44, {50, 50, 50}, {50})},
        {"n512_k128_minus272", binomial_parameters(512, 128, -272, {50, 50, 50}, {50})},
        {"n64_k32_wide_b", binomial_parameters(64, 32, max_plain_base - 1, {50, 50, 50, 50, 50}, {50})},
        {"n1024_k4_b1000", binomial_parameters(1024, 4, 1000, {46, 45, 45}, {50})},
        {"n4096_k1_b2", binomial_parameters(4096, 1, 2, {50, 50, 50}, {50})},
    };
    return all;
}

inline std::string binomial_setting_name(const ::testing::TestParamInfo<std::size_t>& info) {
    return binomial_settings()[info.param].name;
}

/// The same modulo a binomial, with the oracle that tells what they hold.
class BinomialTest : public ::testing::TestWithParam<std::size_t> {
  protected:
    BinomialTest()
        : scheme(binomial_settings()[GetParam()].parameters),
          relin(scheme.generator.relin_keys()),
          n(scheme.context.n()),
          t(scheme.context.plain().t()),
          ring(n, t),
          a(ring.random_plaintext(random)),
          b(ring.random_plaintext(random)),
          value_a(ring.element(a)),
          value_b(ring.element(b)),
          encrypted_a(scheme.encryptor.encrypt(a)),
          encrypted_b(scheme.public_encryptor.encrypt(b)) {}

    BinomialRing::Element decrypt(const Ciphertext& ciphertext) {
        const Plaintext plaintext = scheme.decryptor.decrypt(ciphertext);
        check_coefficients("test", plaintext);  // throws where one is out of range
        return ring.element(plaintext);
    }

    std::mt19937_64 random{GetParam() + 7};
    Scheme scheme;
    RelinKeys relin;
    std::size_t n;
    PlainModulus t;
    BinomialRing ring;
    Plaintext a;
    Plaintext b;
    BinomialRing::Element value_a;
    BinomialRing::Element value_b;
    Ciphertext encrypted_a;
    Ciphertext encrypted_b;
};

}  // namespace lacuna::testing
