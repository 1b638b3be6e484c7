// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/scheme.h"

namespace lacuna::testing {

struct Setting {
    const char* name;
    Parameters parameters;
};

/// Degrees, chain lengths, unequal primes, several special primes, grouped digits, prime, composite, even and
/// wide t.
inline const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = {
        {"n16_one_digit_per_prime", small_parameters(16, {50, 50, 50}, {50}, {65537})},
        {"n64_grouped_digits", small_parameters(64, {45, 44, 46, 45}, {47, 48}, {1 << 20, 7681}, 2)},
        {"n128_unequal_primes",
         small_parameters(128, {50, 50, 50, 32}, {50}, {(std::uint64_t{1} << 30) - 35})},
        {"n256_three_in_a_digit", small_parameters(256, {40, 40, 40, 40, 40}, {42, 42, 42}, {12289}, 3)},
        {"n64_wide_t", small_parameters(64, {50, 50, 50, 50, 50, 50}, {50}, {(std::uint64_t{1} << 49) - 81})},
    };
    return all;
}

inline std::string setting_name(const ::testing::TestParamInfo<std::size_t>& info) {
    return settings()[info.param].name;
}

/// Keys, and two random plaintexts with their encryptions, over one of the settings.
class SchemeTest : public ::testing::TestWithParam<std::size_t> {
  protected:
    SchemeTest()
        : scheme(settings()[GetParam()].parameters),
          relin(scheme.generator.relin_keys()),
          n(scheme.context.n()),
          t(scheme.context.plain().modulus().value()),
          a(random_plaintext(n, t, random)),
          b(random_plaintext(n, t, random)),
          encrypted_a(scheme.encryptor.encrypt(a)),
          encrypted_b(scheme.public_encryptor.encrypt(b)) {}

    Plaintext decrypt(const Ciphertext& ciphertext) { return scheme.decryptor.decrypt(ciphertext); }

    std::mt19937_64 random{GetParam() + 7};
    Scheme scheme;
    RelinKeys relin;
    std::size_t n;
    std::uint64_t t;
    Plaintext a;
    Plaintext b;
    Ciphertext encrypted_a;
    Ciphertext encrypted_b;
};

}  // namespace lacuna::testing
