// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/automorphism.h>

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/ring_operations.h>
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

TEST(Automorphism, IsTheSubstitutionInBothForms) {
    std::mt19937_64 random(6);
    for (const std::size_t n : {16, 64, 1024}) {
        const RnsBasis basis(n, primes_of(n, {50, 20}));
        const RnsPolynomial a = random_polynomial(basis, Form::coefficient, random);
        RnsPolynomial a_ntt = a;
        to_ntt(basis, a_ntt);
        std::vector<std::size_t> elements = {1, 3, 5, n - 1, n + 1, 2 * n - 1, 2 * (random() % n) + 1};
        if (n == 16) {
            elements.clear();
            for (std::size_t g = 1; g < 2 * n; g += 2) {
                elements.push_back(g);
            }
        }
        for (const std::size_t g : elements) {
            RnsPolynomial expected(n, 2, Form::coefficient);
            for (std::size_t i = 0; i < 2; ++i) {
                for (std::size_t j = 0; j < n; ++j) {
                    const std::size_t k = j * g % (2 * n);
                    expected.limb(i)[k % n] = k < n ? a.limb(i)[j] : basis.modulus(i).negate(a.limb(i)[j]);
                }
            }
            const Automorphism automorphism(n, static_cast<std::uint32_t>(g));
            EXPECT_EQ(automorphism.element(), g);
            RnsPolynomial image;
            automorphism.apply(basis, a, image);
            ASSERT_EQ(image, expected);
            automorphism.apply(basis, a_ntt, image);
            to_coefficients(basis, image);
            ASSERT_EQ(image, expected) << "NTT form, g = " << g;
            RnsPolynomial in_place = a.first_limbs(1);
            automorphism.apply(basis, in_place, in_place);
            ASSERT_EQ(in_place, expected.first_limbs(1));
        }
    }
}

TEST(Automorphism, RefusesElementsThatAreNone) {
    EXPECT_THROW(Automorphism(16, 2), Error);
    EXPECT_THROW(Automorphism(16, 33), Error);
    EXPECT_THROW(Automorphism(24, 5), Error);
    const RnsBasis basis(16, primes_of(16, {50}));
    RnsPolynomial out;
    EXPECT_THROW(Automorphism(32, 3).apply(basis, RnsPolynomial(16, 1, Form::ntt), out), Error);
}

TEST(Automorphism, InverseElementsUndoTheirs) {
    std::mt19937_64 random(7);
    for (const std::size_t n : {16, 64}) {
        const RnsBasis basis(n, primes_of(n, {50}));
        const RnsPolynomial a = random_polynomial(basis, Form::ntt, random);
        for (std::uint32_t g = 1; g < 2 * n; g += 2) {
            const std::uint32_t inverse = inverse_element(n, g);
            EXPECT_EQ(std::uint64_t{g} * inverse % (2 * n), 1U);
            RnsPolynomial image;
            Automorphism(n, g).apply(basis, a, image);
            Automorphism(n, inverse).apply(basis, image, image);
            EXPECT_EQ(image, a) << g;
        }
    }
}

/// The index that key switching gathers by is the same permutation.
TEST(Automorphism, IndexIsThePermutationOfValues) {
    const std::size_t n = 64;
    const RnsBasis basis(n, primes_of(n, {50}));
    std::mt19937_64 random(8);
    const RnsPolynomial a = random_polynomial(basis, Form::ntt, random);
    for (const std::uint32_t g : {3U, 5U, 127U}) {
        const Automorphism automorphism(n, g);
        RnsPolynomial image;
        automorphism.apply(basis, a, image);
        for (std::size_t j = 0; j < n; ++j) {
            EXPECT_EQ(image.limb(0)[j], a.limb(0)[automorphism.ntt_index()[j]]);
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
