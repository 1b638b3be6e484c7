// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/ring_operations.h>

#include <gtest/gtest.h>

#include <NTL/ZZ_pX.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/automorphism.h>
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

/// a b modulo x^n + 1 and q, by NTL.
std::vector<std::uint64_t> ntl_product(const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                                       std::uint64_t q) {
    const NTL::ZZ_pPush push(NTL::conv<NTL::ZZ>(static_cast<long>(q)));
    const auto polynomial = [n](const std::uint64_t* words) {
        NTL::ZZ_pX result;
        for (std::size_t j = 0; j < n; ++j) {
            NTL::SetCoeff(result, static_cast<long>(j), NTL::conv<NTL::ZZ_p>(static_cast<long>(words[j])));
        }
        return result;
    };
    NTL::ZZ_pX modulus;
    NTL::SetCoeff(modulus, static_cast<long>(n));
    NTL::SetCoeff(modulus, 0);
    const NTL::ZZ_pX product = NTL::MulMod(polynomial(a), polynomial(b), modulus);
    std::vector<std::uint64_t> words(n);
    for (std::size_t j = 0; j < n; ++j) {
        words[j] =
            static_cast<std::uint64_t>(NTL::conv<long>(NTL::rep(NTL::coeff(product, static_cast<long>(j)))));
    }
    return words;
}

/// c x^exponent a, from x^n = -1.
RnsPolynomial naive_monomial(const RnsBasis& basis, const RnsPolynomial& a, std::int64_t c,
                             std::size_t exponent) {
    const std::size_t n = a.n();
    RnsPolynomial result(n, a.limbs(), Form::coefficient);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        const Modulus& q = basis.modulus(i);
        for (std::size_t j = 0; j < n; ++j) {
            const std::size_t k = (j + exponent) % (2 * n);
            const std::uint64_t word = residue(mpz_class(static_cast<long>(c)) * to_mpz(a.limb(i)[j]), q);
            result.limb(i)[k % n] = k < n ? word : q.negate(word);
        }
    }
    return result;
}

TEST(RingOperations, AddSubtractAndNegateWordByWordInPlaceToo) {
    std::mt19937_64 random(1);
    for (const std::size_t n : {16, 64, 1024}) {
        const RnsBasis basis(n, primes_of(n, {50, 33, 20}));
        for (const Form form : {Form::coefficient, Form::ntt}) {
            const RnsPolynomial a = random_polynomial(basis, form, random);
            const RnsPolynomial b = random_polynomial(basis, form, random);
            RnsPolynomial sum;
            RnsPolynomial difference(n, 1, Form::coefficient);  // of another shape
            RnsPolynomial opposite;
            add(basis, a, b, sum);
            subtract(basis, a, b, difference);
            negate(basis, a, opposite);
            EXPECT_EQ(sum.form(), form);
            EXPECT_EQ(difference.form(), form);
            for (std::size_t i = 0; i < basis.size(); ++i) {
                const std::uint64_t q = basis.modulus(i).value();
                for (std::size_t j = 0; j < n; ++j) {
                    const std::uint64_t x = a.limb(i)[j];
                    const std::uint64_t y = b.limb(i)[j];
                    ASSERT_EQ(sum.limb(i)[j], (x + y) % q);
                    ASSERT_EQ(difference.limb(i)[j], (x + q - y) % q);
                    ASSERT_EQ(opposite.limb(i)[j], (q - x) % q);
                }
            }
            RnsPolynomial in_place = a;
            add(basis, in_place, b, in_place);
            EXPECT_EQ(in_place, sum);
            in_place = b;
            subtract(basis, a, in_place, in_place);
            EXPECT_EQ(in_place, difference);
        }
    }
}

TEST(RingOperations, MultiplyInNttFormAsNtlDoes) {
    std::mt19937_64 random(2);
    for (const std::size_t n : {16, 32, 256, 2048, 8192}) {
        const RnsBasis basis(n, primes_of(n, {50, 49, 32, 20}));
        RnsPolynomial a = random_polynomial(basis, Form::coefficient, random);
        RnsPolynomial b = random_polynomial(basis, Form::coefficient, random);
        std::vector<std::vector<std::uint64_t>> expected;
        for (std::size_t i = 0; i < basis.size(); ++i) {
            expected.push_back(ntl_product(a.limb(i), b.limb(i), n, basis.modulus(i).value()));
        }
        const RnsPolynomial original = a;
        to_ntt(basis, a);
        to_ntt(basis, b);
        RnsPolynomial product;
        multiply(basis, a, b, product);
        RnsPolynomial twice = product;
        multiply_add(basis, a, b, twice);
        to_coefficients(basis, product);
        to_coefficients(basis, twice);
        to_coefficients(basis, a);
        EXPECT_EQ(a, original);
        for (std::size_t i = 0; i < basis.size(); ++i) {
            const Modulus& q = basis.modulus(i);
            for (std::size_t j = 0; j < n; ++j) {
                ASSERT_EQ(product.limb(i)[j], expected[i][j]) << "n = " << n << ", limb " << i;
                ASSERT_EQ(twice.limb(i)[j], q.add(expected[i][j], expected[i][j]));
            }
        }
    }
}

TEST(RingOperations, MultiplyByScalarsOfAnySign) {
    std::mt19937_64 random(3);
    const RnsBasis basis(32, primes_of(32, {50, 20, 8}));
    const RnsPolynomial a = random_polynomial(basis, Form::ntt, random);
    for (const std::int64_t c :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{-12345},
          std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
        RnsPolynomial product;
        multiply_scalar(basis, a, c, product);
        for (std::size_t i = 0; i < basis.size(); ++i) {
            for (std::size_t j = 0; j < 32; ++j) {
                ASSERT_EQ(product.limb(i)[j],
                          residue(mpz_class(static_cast<long>(c)) * to_mpz(a.limb(i)[j]), basis.modulus(i)));
            }
        }
    }
}

TEST(RingOperations, MultiplyByMonomialsAlikeInBothForms) {
    std::mt19937_64 random(4);
    for (const std::size_t n : {16, 128, 4096}) {
        const RnsBasis basis(n, primes_of(n, {50, 33, 20}));
        const RnsPolynomial a = random_polynomial(basis, Form::coefficient, random);
        RnsPolynomial a_ntt = a;
        to_ntt(basis, a_ntt);
        std::vector<std::size_t> exponents = {0, 1, n / 2, n - 1, n, n + 1, 2 * n - 1, random() % (2 * n)};
        if (n == 16) {
            exponents.clear();
            for (std::size_t k = 0; k < 2 * n; ++k) {
                exponents.push_back(k);
            }
        }
        for (const std::size_t exponent : exponents) {
            for (const std::int64_t c :
                 {std::int64_t{1}, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 40,
                  std::int64_t{-98765}, std::numeric_limits<std::int64_t>::min()}) {
                const RnsPolynomial expected = naive_monomial(basis, a, c, exponent);
                RnsPolynomial product;
                multiply_monomial(basis, a, c, exponent, product);
                ASSERT_EQ(product, expected) << "exponent " << exponent << ", c = " << c;
                multiply_monomial(basis, a_ntt, c, exponent, product);
                ASSERT_EQ(product.form(), Form::ntt);
                to_coefficients(basis, product);
                ASSERT_EQ(product, expected) << "NTT form, exponent " << exponent << ", c = " << c;
                RnsPolynomial in_place = a;
                multiply_monomial(basis, in_place, c, exponent, in_place);
                ASSERT_EQ(in_place, expected);
            }
        }
        RnsPolynomial out;
        EXPECT_THROW(multiply_monomial(basis, a, 1, 2 * n, out), Error);
    }
}

TEST(RingOperations, SetSignedCoefficients) {
    const RnsBasis basis(16, primes_of(16, {50, 8}));
    Buffer words(16);
    for (std::size_t j = 0; j < 16; ++j) {
        words[j] = static_cast<std::uint64_t>(static_cast<std::int64_t>(j) - 8);
    }
    RnsPolynomial out(16, 2, Form::ntt);
    set_signed(basis, words.data(), out);
    EXPECT_EQ(out.form(), Form::coefficient);
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = 0; j < 16; ++j) {
            EXPECT_EQ(basis.modulus(i).centre(out.limb(i)[j]), static_cast<std::int64_t>(j) - 8);
        }
    }
}

TEST(RingOperations, RefuseOperandsThatDoNotFit) {
    std::mt19937_64 random(5);
    const RnsBasis basis(32, primes_of(32, {50, 40}));
    const RnsPolynomial a = random_polynomial(basis, Form::coefficient, random);
    const RnsPolynomial shorter = a.first_limbs(1);
    RnsPolynomial shortened = a;
    shortened.keep_limbs(1);
    EXPECT_EQ(shortened, shorter);
    EXPECT_THROW(shortened.keep_limbs(2), Error);
    RnsPolynomial transformed = a;
    to_ntt(basis, transformed);
    RnsPolynomial out;
    EXPECT_THROW(add(basis, a, shorter, out), Error);
    EXPECT_THROW(add(basis, a, transformed, out), Error);
    EXPECT_THROW(multiply(basis, a, a, out), Error);
    EXPECT_THROW(multiply_add(basis, transformed, transformed, out), Error);
    EXPECT_THROW(to_ntt(basis, transformed), Error);
    RnsPolynomial copy = a;
    EXPECT_THROW(to_coefficients(basis, copy), Error);
    EXPECT_THROW(negate(basis, RnsPolynomial(16, 1, Form::ntt), out), Error);
    EXPECT_THROW(negate(basis, RnsPolynomial(32, 3, Form::ntt), out), Error);
    EXPECT_THROW(negate(basis, RnsPolynomial(), out), Error);
    EXPECT_THROW((void)a.first_limbs(3), Error);
}

TEST(RingOperations, KeepSecretsSecret) {
    const RnsBasis basis(32, primes_of(32, {50}));
    const RnsPolynomial secret(32, 1, Form::ntt, Secrecy::secret);
    RnsPolynomial out;
    Automorphism(32, 3).apply(basis, secret, out);
    EXPECT_EQ(out.secrecy(), Secrecy::secret);
    RnsPolynomial product;
    multiply(basis, secret, secret, product);
    EXPECT_EQ(product.secrecy(), Secrecy::secret);
    RnsPolynomial shifted;
    multiply_monomial(basis, secret, 1, 3, shifted);
    EXPECT_EQ(shifted.secrecy(), Secrecy::secret);
    EXPECT_EQ(secret.first_limbs(1).secrecy(), Secrecy::secret);
    RnsPolynomial kept = secret;
    kept.keep_limbs(1);
    EXPECT_EQ(kept.secrecy(), Secrecy::secret);
    EXPECT_EQ(RnsPolynomial(secret).secrecy(), Secrecy::secret);
}

}  // namespace
}  // namespace lacuna::testing
