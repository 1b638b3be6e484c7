// SPDX-License-Identifier: Apache-2.0
//
// Key switching against integers: what it adds to a ciphertext is no more than its digits, errors and
// roundings can be.
#include <lacuna/he/rlwe/key_switch.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/automorphism.h>
#include <lacuna/rns/sampler.h>
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/big_polynomial.h"
#include "tests/support/messages.h"
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

class KeySwitchTest : public SchemeTest {
  protected:
    [[nodiscard]] RnsPolynomial random_operand(std::size_t limbs) {
        return random_polynomial(ring.data().prefix(limbs), Form::coefficient, random);
    }
    /// The data primes in use, then the special primes.
    [[nodiscard]] RnsBasis extended(std::size_t limbs) const {
        return ring.data().prefix(limbs).joined(ring.special());
    }
    /// The product of the primes of a digit at this level.
    [[nodiscard]] mpz_class digit_modulus(std::size_t d, std::size_t limbs) const {
        const std::size_t begin = d * ring.digit_limbs();
        return ring.data().slice(begin, std::min(begin + ring.digit_limbs(), limbs)).product();
    }

    const Ring& ring = scheme.context.ring();
    const BigPolynomial secret = secret_of(ring, scheme.generator.secret_key());
};

INSTANTIATE_TEST_SUITE_P(Parameters, KeySwitchTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

TEST_P(KeySwitchTest, LeadsFromOneSecretToAnotherAtEveryLevel) {
    const BigPolynomial square = product_of(secret, secret);
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        const RnsPolynomial c = random_operand(limbs);
        const auto [d0, d1] = switch_key(ring, c, relin.key);
        const mpz_class q = ring.data().prefix(limbs).product();
        const BigPolynomial expected = product_of(integers_of(ring.data(), c), square);
        const BigPolynomial found =
            sum_of(integers_of(ring.data(), d0), product_of(integers_of(ring.data(), d1), secret));
        const mpz_class noise = largest_of(centred_modulo(sum_of(found, scaled(expected, -1)), q));
        // Digits of at most D/2 times errors, over P; both parts are rounded, and the second meets s.
        mpz_class products = 0;
        for (std::size_t d = 0; d < ring.digits(limbs); ++d) {
            products += to_mpz(n) * (digit_modulus(d, limbs) / 2 + 1) * error_bound;
        }
        EXPECT_LE(noise, products / ring.special().product() + to_mpz(n) + 2) << limbs << " limbs";
    }
}

TEST_P(KeySwitchTest, SharesDigitsBetweenKeysWithoutAnyDifference) {
    const GaloisKeys galois = scheme.generator.galois_keys_for(std::array<std::uint32_t, 2>{3, 5});
    const std::vector<const KeySwitchKey*> keys = {&relin.key, &galois.at(5).key, &galois.at(3).key};
    for (const std::size_t limbs : {std::size_t{1}, ring.max_limbs()}) {
        const RnsPolynomial c = random_operand(limbs);
        const std::vector<Switched> together = switch_keys(ring, c, keys);
        ASSERT_EQ(together.size(), keys.size());
        for (std::size_t k = 0; k < keys.size(); ++k) {
            EXPECT_EQ(together[k], switch_key(ring, c, *keys[k])) << k;
        }
    }
}

/// Keys for fewer limbs do at every level below what whole ones do, and are refused above.
TEST_P(KeySwitchTest, ShortKeysSwitchWhatTheyAreMadeFor) {
    const std::array<std::uint32_t, 1> element = {3};
    BigPolynomial rotated = secret;  // s(x^(1/3)): coefficient j of s at j / 3
    const std::uint32_t inverse = inverse_element(n, 3);
    for (std::size_t j = 0; j < n; ++j) {
        const std::size_t to = j * inverse % (2 * n);
        rotated[to % n] = to < n ? secret[j] : mpz_class(-secret[j]);
    }
    for (std::size_t most = 1; most <= ring.max_limbs(); ++most) {
        const GaloisKeys keys =
            scheme.generator.galois_keys_for(element, 1, std::array<std::size_t, 1>{most});
        const KeySwitchKey& key = keys.at(3).key;
        EXPECT_EQ(key_limbs(ring, key), most);
        EXPECT_EQ(key.digits.size(), ring.digits(most));
        for (std::size_t limbs = 1; limbs <= most; ++limbs) {
            const RnsPolynomial c = random_operand(limbs);
            const auto [d0, d1] = switch_key(ring, c, key);
            const mpz_class q = ring.data().prefix(limbs).product();
            const BigPolynomial found =
                sum_of(integers_of(ring.data(), d0), product_of(integers_of(ring.data(), d1), rotated));
            const BigPolynomial expected = product_of(integers_of(ring.data(), c), secret);
            mpz_class products = 0;
            for (std::size_t d = 0; d < ring.digits(limbs); ++d) {
                products += to_mpz(n) * (digit_modulus(d, limbs) / 2 + 1) * error_bound;
            }
            EXPECT_LE(largest_of(centred_modulo(sum_of(found, scaled(expected, -1)), q)),
                      products / ring.special().product() + to_mpz(n) + 2)
                << limbs << " of " << most;
        }
        if (most < ring.max_limbs()) {
            EXPECT_THROW((void)switch_key(ring, random_operand(most + 1), key), Error);
        }
    }
}

/// A key that is 1 in one digit and 0 elsewhere shows that digit.
TEST_P(KeySwitchTest, RaisedDigitsAreTheCentredResidues) {
    for (const std::size_t limbs : {std::size_t{1}, ring.max_limbs() - 1, ring.max_limbs()}) {
        const RnsPolynomial c = random_operand(limbs);
        const RnsBasis basis = extended(limbs);
        for (std::size_t d = 0; d < ring.digits(limbs); ++d) {
            KeySwitchKey key;
            key.digits.resize(ring.digits(limbs));
            for (std::size_t i = 0; i < key.digits.size(); ++i) {
                key.digits[i].a = RnsPolynomial(n, ring.key_basis().size(), Form::ntt);
                key.digits[i].b = RnsPolynomial(n, ring.key_basis().size(), Form::ntt);
            }
            for (std::size_t i = 0; i < ring.key_basis().size(); ++i) {
                std::ranges::fill(key.digits[d].b.limb_span(i), std::uint64_t{1});
            }
            RaisedDigits digits(ring, c);
            RnsPolynomial shown(n, basis.size(), Form::ntt);
            Buffer nothing(n);
            for (std::size_t i = 0; i < basis.size(); ++i) {
                digits.multiply(key, i, shown.limb(i), nothing.data());
                ASSERT_TRUE(
                    std::ranges::all_of(nothing.span(), [](std::uint64_t word) { return word == 0; }));
            }
            const BigPolynomial raised = integers_of(basis, shown);
            const mpz_class modulus = digit_modulus(d, limbs);
            for (std::size_t j = 0; j < n; ++j) {
                ASSERT_LE(2 * abs(raised[j]), modulus + (modulus >> 40)) << "digit " << d;
                for (std::size_t i = d * ring.digit_limbs();
                     i < std::min((d + 1) * ring.digit_limbs(), limbs); ++i) {
                    ASSERT_EQ(residue(raised[j], ring.data().modulus(i)), c.limb(i)[j]);
                }
            }
        }
    }
}

TEST_P(KeySwitchTest, QuotientsByTheSpecialModulusAreRounded) {
    const mpz_class p = ring.special().product();
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        const RnsBasis basis = extended(limbs);
        const mpz_class all = basis.product();
        std::array<BigPolynomial, 2> values;
        ExtendedPair pair(ring, limbs);
        for (std::size_t part = 0; part < 2; ++part) {
            for (std::size_t j = 0; j < n; ++j) {
                values[part].push_back(centred_modulo(random_below(all, random), all));
            }
            for (std::size_t i = 0; i < basis.size(); ++i) {
                for (std::size_t j = 0; j < n; ++j) {
                    pair.row(part, i)[j] = residue(values[part][j], basis.modulus(i));
                }
            }
        }
        const Switched quotients = std::move(pair).divided();
        for (std::size_t part = 0; part < 2; ++part) {
            const BigPolynomial found = integers_of(ring.data(), quotients[part]);
            for (std::size_t j = 0; j < n; ++j) {
                const mpz_class rest = centred_modulo(mpz_class(p * found[j] - values[part][j]), all);
                ASSERT_LE(2 * abs(rest), p + (p >> 40)) << limbs << " limbs, part " << part;
            }
        }
    }
}

TEST_P(KeySwitchTest, RefusesWhatDoesNotFit) {
    RnsPolynomial c = random_operand(ring.max_limbs());
    KeySwitchKey shorter = relin.key;
    shorter.digits.pop_back();
    expect_mentions(message_of([&] { (void)switch_key(ring, c, shorter); }), {"digits", "are needed"});
    c.set_form(Form::ntt);
    EXPECT_THROW((void)switch_key(ring, c, relin.key), Error);
    EXPECT_THROW((void)switch_key(ring, RnsPolynomial(), relin.key), Error);
    EXPECT_THROW((void)switch_key(ring, RnsPolynomial(n, ring.max_limbs() + 1, Form::coefficient), relin.key),
                 Error);
}

TEST(KeySwitch, NeedsSpecialPrimes) {
    const Scheme scheme(small_parameters(16, {50, 50}, {}, {97}));
    const Ring& ring = scheme.context.ring();
    const RnsPolynomial c(16, 2, Form::coefficient);
    expect_mentions(message_of([&] { (void)switch_key(ring, c, KeySwitchKey{}); }),
                    {"no special primes", "add special_bits"});
    // Without them there is nothing to divide by.
    ExtendedPair pair(ring, 2);
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = 0; j < 16; ++j) {
            pair.row(0, i)[j] = j + 7 * i;
            pair.row(1, i)[j] = 3 * j;
        }
    }
    const Switched same = std::move(pair).divided();
    EXPECT_EQ(same[0].limb(1)[5], 12U);
    EXPECT_EQ(same[1].limb(0)[5], 15U);
}

}  // namespace
}  // namespace lacuna::testing
