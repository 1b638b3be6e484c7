// SPDX-License-Identifier: Apache-2.0
//
// Keys against their defining equations, in integers modulo QP.
#include <lacuna/he/rlwe/key_generator.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/sampler.h>
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/big_polynomial.h"

namespace lacuna::testing {
namespace {

class KeyGeneratorTest : public SchemeTest {
  protected:
    [[nodiscard]] BigPolynomial integers(const RnsPolynomial& a) const {
        return integers_of(ring.key_basis(), a);
    }
    /// a(x^g) for integers.
    [[nodiscard]] BigPolynomial turned(const BigPolynomial& a, std::uint64_t g) const {
        BigPolynomial result(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint64_t k = i * g % (2 * n);
            result[k % n] = k < n ? a[i] : mpz_class(-a[i]);
        }
        return result;
    }
    /// b_d + a_d to - P g_d from, modulo QP: minus the error of digit d.
    [[nodiscard]] BigPolynomial error_of(const KeySwitchKey& key, std::size_t d, const BigPolynomial& from,
                                         const BigPolynomial& to) const {
        const Crt crt(ring.key_basis());
        const mpz_class p = ring.special().product();
        std::vector<std::uint64_t> factor(ring.key_basis().size());
        for (std::size_t i = 0; i < ring.max_limbs(); ++i) {
            factor[i] = i / ring.digit_limbs() == d ? residue(p, ring.key_basis().modulus(i)) : 0;
        }
        const BigPolynomial sum =
            sum_of(integers(key.digits[d].b), product_of(integers(key.digits[d].a), to));
        return centred_modulo(sum_of(sum, scaled(from, -crt.compose(factor))), crt.product());
    }
    void expect_leads(const KeySwitchKey& key, const BigPolynomial& from, const BigPolynomial& to) const {
        ASSERT_EQ(key.digits.size(), ring.digits(ring.max_limbs()));
        std::set<BigPolynomial> errors;
        for (std::size_t d = 0; d < key.digits.size(); ++d) {
            const BigPolynomial error = error_of(key, d, from, to);
            EXPECT_LE(largest_of(error), error_bound) << "digit " << d;
            EXPECT_GT(largest_of(error), 0) << "digit " << d;
            EXPECT_TRUE(errors.insert(error).second) << "digit " << d << " has the error of another";
        }
    }

    const Ring& ring = scheme.context.ring();
    const BigPolynomial secret = secret_of(ring, scheme.generator.secret_key());
};

INSTANTIATE_TEST_SUITE_P(Parameters, KeyGeneratorTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

TEST_P(KeyGeneratorTest, SecretsAreTernaryAndTheSameModuloEveryPrime) {
    EXPECT_EQ(largest_of(secret), 1);
    EXPECT_EQ(scheme.generator.secret_key().s.limbs(), ring.key_basis().size());
    EXPECT_EQ(scheme.generator.secret_key().s.secrecy(), Secrecy::secret);
    // Drawn again, it is another; given, it is that one.
    const KeyGenerator other(scheme.context);
    EXPECT_NE(secret_of(ring, other.secret_key()), secret);
    const KeyGenerator same(scheme.context.shared_ring(), scheme.generator.secret_key());
    EXPECT_EQ(same.secret_key().s, scheme.generator.secret_key().s);
}

TEST_P(KeyGeneratorTest, PublicKeysEncryptZero) {
    std::set<BigPolynomial> errors;
    for (const PublicKey& key : {scheme.public_key, scheme.generator.public_key()}) {
        const BigPolynomial error = centred_modulo(
            sum_of(integers(key.b), product_of(integers(key.a), secret)), ring.key_basis().product());
        EXPECT_LE(largest_of(error), error_bound);
        EXPECT_TRUE(errors.insert(error).second);
    }
}

TEST_P(KeyGeneratorTest, RelinearisationKeysLeadFromTheSquareOfTheSecret) {
    for (const int threads : {1, 3}) {
        const RelinKeys keys = scheme.generator.relin_keys(threads);
        EXPECT_EQ(keys.ring, ring.hash());
        expect_leads(keys.key, product_of(secret, secret), secret);
    }
}

TEST_P(KeyGeneratorTest, GaloisKeysLeadFromTheSecretToTheOneThatTheirElementTurnsBack) {
    const std::array<std::uint32_t, 3> elements = {3, static_cast<std::uint32_t>(2 * n - 1), 3};
    const GaloisKeys keys = scheme.generator.galois_keys_for(elements, 2);
    EXPECT_EQ(keys.entries.size(), 2U);
    for (const auto& [element, entry] : keys.entries) {
        EXPECT_EQ(entry.automorphism.element(), element);
        std::uint64_t inverse = 1;
        while (inverse * element % (2 * n) != 1) {
            inverse += 2;
        }
        expect_leads(entry.key, secret, turned(secret, inverse));
    }
    EXPECT_TRUE(keys.entries.contains(3));
    EXPECT_TRUE(keys.entries.contains(static_cast<std::uint32_t>(2 * n - 1)));
}

TEST_P(KeyGeneratorTest, NamesRotationsByTheirElements) {
    const GaloisKeys keys = scheme.generator.galois_keys(std::vector<int>{1, -2}, true);
    std::vector<std::uint32_t> found;
    for (const auto& [element, entry] : keys.entries) {
        found.push_back(element);
    }
    std::vector<std::uint32_t> expected = {rotation_element(n, 1), rotation_element(n, -2),
                                           row_swap_element(n)};
    std::ranges::sort(expected);
    EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace lacuna::testing
