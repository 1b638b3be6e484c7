// SPDX-License-Identifier: Apache-2.0
//
// Ciphertexts put together in integers, whose noise is therefore known: what decrypts, and what the budget
// is.
#include <lacuna/he/fv/decryptor.h>

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/big_polynomial.h"
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

class DecryptorTest : public SchemeTest {
  protected:
    [[nodiscard]] mpz_class q_of(std::size_t limbs) const { return ring.data().prefix(limbs).product(); }

    /// c_0 + c_1 s (+ c_2 s^2) = round(Q m / t) + noise, with everything but c_0 random.
    [[nodiscard]] Ciphertext encryption(const Plaintext& m, const BigPolynomial& noise, std::size_t limbs,
                                        std::size_t size) {
        const mpz_class q = q_of(limbs);
        Ciphertext result;
        result.ring = ring.hash();
        result.t = m.t();
        result.parts.resize(size);
        BigPolynomial c0 = noise;
        for (std::size_t j = 0; j < n; ++j) {
            c0[j] += floor_divide(2 * q * to_mpz(m[j]) + to_mpz(t), mpz_class(2 * to_mpz(t)));
        }
        BigPolynomial power(n);
        power[0] = 1;
        for (std::size_t part = 1; part < size; ++part) {
            power = product_of(power, secret);
            BigPolynomial c(n);
            for (mpz_class& coefficient : c) {
                coefficient = random_below(q, random);
            }
            c0 = sum_of(c0, scaled(product_of(c, power), -1));
            result.parts[part] = residues_of(ring.data(), limbs, c);
        }
        result.parts[0] = residues_of(ring.data(), limbs, c0);
        return result;
    }

    const Ring& ring = scheme.context.ring();
    const BigPolynomial secret = secret_of(ring, scheme.generator.secret_key());
};

INSTANTIATE_TEST_SUITE_P(Parameters, DecryptorTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

TEST_P(DecryptorTest, FindsTheMessageAtEveryLevelSizeAndForm) {
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        if (ring.log_q(limbs) < std::log2(static_cast<double>(t)) + 8) {
            continue;
        }
        for (const std::size_t size : {2, 3}) {
            BigPolynomial noise(n);
            for (mpz_class& coefficient : noise) {
                coefficient = static_cast<long>(random() % 43) - 21;
            }
            const Ciphertext x = encryption(a, noise, limbs, size);
            EXPECT_EQ(scheme.decryptor.decrypt(x), a) << limbs << " limbs, " << size << " parts";
            EXPECT_EQ(scheme.decryptor.decrypt(scheme.evaluator.to_ntt(x)), a);
        }
    }
}

/// |t e| < Q/2 is the border, as sharp as the fixed-point fractions of the rounding are.
TEST_P(DecryptorTest, DecryptsUpToTheBorder) {
    for (const std::size_t limbs : {ring.max_limbs() - 1, ring.max_limbs()}) {
        const mpz_class q = q_of(limbs);
        const mpz_class border = q / (2 * to_mpz(t));
        const mpz_class margin = (border >> 44) + 2;  // of which one for the rounding of Q m / t
        for (const int sign : {1, -1}) {
            const BigPolynomial noise(n, mpz_class(sign * (border - margin)));
            EXPECT_EQ(scheme.decryptor.decrypt(encryption(a, noise, limbs, 2)), a);
            BigPolynomial beyond(n);
            beyond[1] = sign * (border + margin);
            Plaintext neighbour = a;
            neighbour[1] = (a[1] + (sign > 0 ? 1 : t - 1)) % t;
            EXPECT_EQ(scheme.decryptor.decrypt(encryption(a, beyond, limbs, 2)), neighbour);
        }
    }
}

TEST_P(DecryptorTest, BudgetIsThatOfTheLargestNoise) {
    for (const std::size_t limbs : {ring.max_limbs() - 1, ring.max_limbs()}) {
        const mpz_class q = q_of(limbs);
        for (const int bits : {1, 10, 25}) {
            BigPolynomial noise(n);
            mpz_class largest = 1;  // of |t e|, where e counts the rounding of Q m / t too
            for (std::size_t j = 0; j < n; ++j) {
                noise[j] = random_below(mpz_class(1) << static_cast<unsigned>(bits), random);
                const mpz_class scaled_message = q * to_mpz(a[j]);
                const mpz_class rounded =
                    floor_divide(2 * scaled_message + to_mpz(t), mpz_class(2 * to_mpz(t)));
                const mpz_class error = to_mpz(t) * (rounded + noise[j]) - scaled_message;
                largest = std::max(largest, mpz_class(abs(error)));
            }
            const double expected = log2_of(q) - 1 - log2_of(largest);
            for (const std::size_t size : {2, 3}) {
                const Ciphertext x = encryption(a, noise, limbs, size);
                EXPECT_NEAR(scheme.decryptor.noise_budget(x), expected, 1e-9);
                EXPECT_NEAR(scheme.decryptor.noise_budget(scheme.evaluator.to_ntt(x)), expected, 1e-9);
            }
        }
    }
}

TEST_P(DecryptorTest, RefusesWhatIsNoCiphertextOfItsRing) {
    const auto refused = [&](const auto& change) {
        Ciphertext broken = encrypted_a;
        change(broken);
        EXPECT_THROW((void)scheme.decryptor.decrypt(broken), Error);
        EXPECT_THROW((void)scheme.decryptor.noise_budget(broken), Error);
    };
    refused([](Ciphertext& x) { x.ring[0] ^= 1; });
    refused([](Ciphertext& x) { x.parts.pop_back(); });
    refused([](Ciphertext& x) { x.parts.resize(6, x.parts[0]); });
    refused([](Ciphertext& x) { x.parts[1].keep_limbs(1); });
    refused([](Ciphertext& x) { x.parts[0].set_form(Form::ntt); });
    refused([this](Ciphertext& x) { x.parts[1] = RnsPolynomial(2 * n, x.limbs(), Form::coefficient); });
    Ciphertext other = encrypted_a;
    other.t = PlainModulus(t + 1);
    EXPECT_THROW((void)scheme.decryptor.decrypt(other), Error);
}

}  // namespace
}  // namespace lacuna::testing
