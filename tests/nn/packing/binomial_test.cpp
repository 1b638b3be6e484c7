// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/binomial.h>

#include <cmath>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/ring_operations.h>
#include "tests/support/random_model.h"

namespace lacuna {
namespace {

constexpr std::size_t n = 4096;

std::vector<BinomialRing> rings() {
    return {{PlainModulus::binomial(1, 2), n},
            {PlainModulus::binomial(128, 30), n},
            {PlainModulus::binomial(512, 132), n},
            {PlainModulus::binomial(1024, 1472), n}};
}

/// What terms stand for: x^(kj) is b^j.
mpz_class value_of(const std::vector<Monomial>& terms, const BinomialRing& ring) {
    mpz_class sum;
    for (const Monomial& term : terms) {
        EXPECT_EQ(term.exponent % ring.t.power(), 0U);
        mpz_class power;
        mpz_ui_pow_ui(power.get_mpz_t(), static_cast<unsigned long>(ring.t.base()),
                      term.exponent / ring.t.power());
        sum += to_signed_mpz(term.coefficient) * power;
    }
    return sum;
}

TEST(BinomialPacking, TermsAreTheInteger) {
    for (const BinomialRing& ring : rings()) {
        const mpz_class p = slot_modulus(ring.t, ring.n);
        for (const std::int64_t value :
             {0L, 1L, -1L, 2L, 15L, 16L, -31L, 64L, 1472L, -99999L, 4294967291L, -1234567890123L}) {
            const std::vector<Monomial> terms = BinomialPacking::monomials(value, ring);
            EXPECT_EQ(value_of(terms, ring), to_signed_mpz(value));
            double weight = 0;
            for (const Monomial& term : terms) {
                EXPECT_LT(std::abs(term.coefficient), ring.t.base());
                weight += std::abs(static_cast<double>(term.coefficient));
            }
            EXPECT_DOUBLE_EQ(BinomialPacking::weight(value, ring), weight);
            EXPECT_DOUBLE_EQ(BinomialPacking::terms(value, ring), static_cast<double>(terms.size()));
            const mpz_class difference =
                value_of(BinomialPacking::monomials(to_signed_mpz(value), ring), ring) - to_signed_mpz(value);
            EXPECT_EQ(difference % p, 0);
        }
        for (int k = 0; k < 60 && ring.t.power() == 1; ++k) {  // as published: a shift
            const std::int64_t value = std::int64_t{1} << k;
            EXPECT_EQ(BinomialPacking::monomials(-value, ring),
                      (std::vector<Monomial>{{-1, static_cast<std::size_t>(k)}}));
        }
    }
    const BinomialRing narrow{PlainModulus::binomial(1024, 1472), n};  // p of 43 bits
    const std::int64_t wide = std::int64_t{1} << 60;
    const mpz_class p = slot_modulus(narrow.t, n);
    EXPECT_EQ((value_of(BinomialPacking::monomials(wide, narrow), narrow) - to_signed_mpz(wide)) % p, 0);
    EXPECT_TRUE(BinomialPacking::keeps_integers(std::uint64_t{1} << 40, narrow));
    EXPECT_FALSE(BinomialPacking::keeps_integers(std::uint64_t{1} << 43, narrow));
}

TEST(BinomialPacking, RowsAreTheWeights) {
    const BinomialRing ring{PlainModulus::binomial(128, 30), n};
    const WeightMatrix weights{3, {{{0, 5}, {2, -64}}, {}, {{1, 900}}}};
    const auto rows = BinomialPacking::rows(weights, ring);
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0], (std::vector<SparseTerm>{{0, 0, 5}, {2, 0, -4}, {2, 128, -2}}));
    EXPECT_TRUE(rows[1].empty());
    EXPECT_EQ(rows[2], (std::vector<SparseTerm>{{1, 256, 1}}));
}

TEST(BinomialPacking, JoinedLogitsComeApart) {
    test::RandomModel random(5);
    for (const std::size_t stride : {2, 7, 43, 70}) {
        const mpz_class most = (mpz_class(1) << (stride - 1)) - 1;
        for (int round = 0; round < 50; ++round) {
            std::vector<mpz_class> logits;
            mpz_class joined;
            for (std::size_t i = 0; i < 10; ++i) {
                const mpz_class any = random.integers(1, 1'000'000'000).front() * most / 1'000'000'000;
                logits.push_back(round == 0 ? most : round == 1 ? mpz_class(-most) : any);
                joined += logits.back() << (i * stride);
            }
            EXPECT_EQ(BinomialPacking::parted(joined, 10, stride), logits);
        }
    }
}

TEST(BinomialPacking, ModuliHoldWhatIsNeeded) {
    for (const std::size_t k : {2, 128, 1024, 2048}) {
        const BinomialPacking rules(k);
        EXPECT_STREQ(rules.name, "slots");
        EXPECT_EQ(rules.most_images(n), k);
        EXPECT_FALSE(rules.joins(10));
        for (const int bits : {10, 43}) {
            const mpz_class needed = mpz_class(1) << static_cast<unsigned>(bits);
            const std::optional<PlainModulus> t = rules.plain_modulus(n, needed);
            if (!t) {
                continue;
            }
            EXPECT_TRUE(rules.takes(*t, n));
            EXPECT_FALSE(BinomialPacking(2 * k).takes(*t, n));
            EXPECT_GT(slot_modulus(*t, n), needed);
        }
    }
    const BinomialPacking radix(1);
    EXPECT_STREQ(radix.name, "radix");
    EXPECT_EQ(radix.plain_modulus(n, 1), PlainModulus::binomial(1, 2));
    EXPECT_TRUE(radix.takes(PlainModulus::binomial(1, 2), n));
    EXPECT_FALSE(radix.takes(PlainModulus::binomial(1, 3), n));
    EXPECT_FALSE(radix.takes(PlainModulus(17), n));
    EXPECT_TRUE(radix.joins(2));
    EXPECT_FALSE(radix.joins(1));
    const PackingBounds bounds{(mpz_class(1) << 40) - 1, 0, 0};
    EXPECT_EQ(BinomialPacking::stride(bounds), 41U);
    EXPECT_TRUE(radix.fits(n, bounds, 99));
    EXPECT_FALSE(radix.fits(n, bounds, 100));
    EXPECT_NE(radix.obstacle(bounds, 1000)->find("side by side have to fit"), std::string::npos);
    EXPECT_EQ(radix.obstacle(bounds, 10), std::nullopt);
    EXPECT_NE(BinomialPacking(2).obstacle({mpz_class(1) << 600, 0, 0}, 10), std::nullopt);
}

/// The sum of the |coefficients| of a constant's rounding error: half as many at most as coefficients() says.
TEST(BinomialPacking, RoundingErrorsOfConstantsAreShort) {
    for (const BinomialRing& ring : rings()) {
        Parameters parameters;
        parameters.n = n;
        parameters.data_bits = {50, 50};
        parameters.plain_polynomials = {ring.t};
        parameters.allow_insecure = true;
        const Context context(parameters);
        const RnsBasis& basis = context.ring().data();
        const Crt crt(basis);
        const auto k = ring.t.power();
        for (const mpz_class& constant :
             {mpz_class(1), mpz_class(-3), mpz_class(12345), mpz_class(-987654321)}) {
            RnsPolynomial scaled(n, 2, Form::coefficient);
            context.plain().add_scaled(context.ring(), BinomialPacking::constant(constant, ring), scaled,
                                       false);
            // t(x) times it is -r modulo Q, and the error is -r / t(x).
            RnsPolynomial shifted = scaled;
            multiply_monomial(basis, scaled, 1, k, shifted);
            multiply_scalar(basis, scaled, ring.t.base(), scaled);
            subtract(basis, shifted, scaled, shifted);
            std::vector<double> quotient(n);
            std::vector<std::uint64_t> residues(2);
            // y_{j-k} - b y_j = r_j upwards, twice around, so that the start is forgotten.
            std::vector<double> r(n);
            for (std::size_t j = 0; j < n; ++j) {
                residues = {shifted.limb(0)[j], shifted.limb(1)[j]};
                r[j] = crt.compose_centred(residues).get_d();
            }
            for (int round = 0; round < 2; ++round) {
                for (std::size_t j = 0; j < n; ++j) {
                    const double below = j < k ? -quotient[n + j - k] : quotient[j - k];
                    quotient[j] = (below - r[j]) / static_cast<double>(ring.t.base());
                }
            }
            double sum = 0;
            double largest = 0;
            for (const double value : quotient) {
                sum += std::abs(value);
                largest = std::max(largest, std::abs(value));
            }
            EXPECT_LE(largest, 0.5 + 1e-6);
            EXPECT_LE(2 * sum, static_cast<double>(BinomialPacking::coefficients(constant, ring, false)))
                << to_string(ring.t) << ", " << constant;
            EXPECT_EQ(BinomialPacking::coefficients(constant, ring, true), n);
        }
    }
}

}  // namespace
}  // namespace lacuna
