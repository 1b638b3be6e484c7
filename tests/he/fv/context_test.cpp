// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/context.h>

#include <gmpxx.h>
#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/product_tables.h>
#include <lacuna/ntt/error.h>
#include "tests/he/fv/binomial_fixture.h"
#include "tests/he/fv/scheme_fixture.h"
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

class PlaintextSpaceTest : public SchemeTest {};
class BinomialSpaceTest : public BinomialTest {};

TEST_P(PlaintextSpaceTest, MessagesAreRoundedWithTheirDither) {
    const Ring& ring = scheme.context.ring();
    const PlaintextSpace& space = scheme.context.plain();
    std::mt19937_64 random(5);
    Plaintext message = random_plaintext(n, t, random);
    message[0] = 0;
    message[1] = t - 1;
    Buffer dither(n);
    for (std::size_t j = 0; j < n; ++j) {
        dither[j] = j % 3 == 0 ? 0 : j % 3 == 1 ? 2 * t - 1 : random() % (2 * t);
    }
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        const mpz_class q = ring.data().prefix(limbs).product();
        for (std::size_t i = 0; i < limbs; ++i) {
            Buffer found(n);
            space.add_scaled(ring, message.data(), limbs, i, found.data(), false, dither.data());
            for (std::size_t j = 0; j < n; ++j) {
                const mpz_class shifted = q * to_mpz(message[j]) + to_mpz(dither[j]) - to_mpz(t / 2);
                const mpz_class expected = floor_divide(shifted, to_mpz(t));
                ASSERT_EQ(found[j], residue(expected, ring.data().modulus(i))) << j;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Parameters, PlaintextSpaceTest, ::testing::Range(std::size_t{0}, settings().size()),
                         setting_name);

/// Every pair of the two uniform numbers that are added before a message is rounded, and the coin of an even
/// t: the error's sum is 0 and its sum of squares t^2/4 each, t^2/4 - 1/4 for an odd t, whatever the message
/// is.
TEST(IntegerSpace, RoundingErrorsHaveMomentsThatDoNotDependOnTheMessage) {
    constexpr std::size_t n = 1024;
    for (const std::uint64_t t : {5, 8, 17, 22}) {
        const Context context(small_parameters(n, {50, 50}, {50}, {t}));
        const Modulus& q = context.ring().data().modulus(0);
        const std::uint64_t coins = t % 2 == 0 ? 2 : 1;
        const std::uint64_t cases = t * t * coins;
        ASSERT_LE(cases, n);
        Buffer random(2 * n);
        const auto word = [&](std::uint64_t value) {  // the least whose product with t has this upper half
            return value == 0 ? 0 : static_cast<std::uint64_t>((uint128_t{value} << 64) / t) + 1;
        };
        for (std::uint64_t j = 0; j < cases; ++j) {
            const std::uint64_t coin = j / (t * t);
            const std::uint64_t first = word(j % t);
            random[j] = coins == 1 ? first : first + (first % 2 == coin ? 0 : 1);
            random[n + j] = word(j / t % t);
        }
        for (std::uint64_t m = 0; m < t; ++m) {
            Plaintext message(n, t);
            std::fill_n(message.data(), n, m);
            RnsPolynomial c(n, 2, Form::coefficient);
            context.plain().add_scaled(context.ring(), message, c, false, random.data());
            std::int64_t sum = 0;
            std::int64_t squares = 0;
            for (std::uint64_t j = 0; j < cases; ++j) {  // t c - Q m = t c modulo q_0 is t times the error
                const std::int64_t error = q.centre(q.multiply(t, c.limb(0)[j]));
                sum += error;
                squares += error * error;
            }
            EXPECT_EQ(sum, 0) << t << ' ' << m;
            EXPECT_EQ(4 * squares, static_cast<std::int64_t>(cases * (t * t - t % 2))) << t << ' ' << m;
        }
    }
}

/// The same modulo a binomial, by sampling: t(x) times the mean error is 0, and the variance is 1/4 in every
/// coefficient, where rounding up or down alone has anything from 0 to 1/4.
TEST_P(BinomialSpaceTest, RoundingErrorsHaveMomentsThatDoNotDependOnTheMessage) {
    if (n > 128) {
        return;
    }
    constexpr int samples = 4000;
    const PlaintextSpace& space = scheme.context.plain();
    const Ring& rns = scheme.context.ring();
    const Modulus& q = rns.data().modulus(0);
    RnsPolynomial nearest(n, rns.max_limbs(), Form::coefficient);
    space.add_scaled(rns, a, nearest, false);
    Buffer words(2 * n);
    std::vector<double> sum(n);
    std::vector<double> squares(n);
    for (int sample = 0; sample < samples; ++sample) {
        for (std::uint64_t& w : words.span()) {
            w = random();
        }
        RnsPolynomial c(n, rns.max_limbs(), Form::coefficient);
        space.add_scaled(rns, a, c, false, words.data());
        for (std::size_t j = 0; j < n; ++j) {
            const std::int64_t difference = q.centre(q.subtract(c.limb(0)[j], nearest.limb(0)[j]));
            ASSERT_LE(std::abs(difference), 2);
            sum[j] += static_cast<double>(difference);
            squares[j] += static_cast<double>(difference * difference);
        }
    }
    const std::size_t k = t.power();
    const auto base = static_cast<double>(t.base());
    for (std::size_t j = 0; j < n; ++j) {
        const double mean = sum[j] / samples;
        EXPECT_NEAR(squares[j] / samples - mean * mean, 0.25, 0.03) << j;
        // t(x) nearest - Q m modulo q_0, small, plus t(x) times the mean difference.
        const std::uint64_t below = nearest.limb(0)[j < k ? n + j - k : j - k];
        const std::uint64_t product = q.multiply(q.reduce_signed(t.base()), nearest.limb(0)[j]);
        const double rest =
            static_cast<double>(q.centre(q.subtract(j < k ? q.negate(below) : below, product)));
        const double moved = (j < k ? -sum[n + j - k] : sum[j - k]) / samples - base * mean;
        EXPECT_NEAR(rest + moved, 0, (std::abs(base) + 1) * 0.05) << j;
    }
}

INSTANTIATE_TEST_SUITE_P(Parameters, BinomialSpaceTest,
                         ::testing::Range(std::size_t{0}, binomial_settings().size()), binomial_setting_name);

/// n Q has 146 bits, three helper primes; times |b| + 1 it has 156.
TEST(BinomialSpace, ProductsTakeAHelperPrimeMoreWhereTheBaseAsksForIt) {
    const Context context(binomial_parameters(1024, 4, 1000, {46, 45, 45}, {50}));
    const ProductTables products(context);
    EXPECT_EQ(products.helpers().count(context.ring(), 3), 3U);
    EXPECT_EQ(products.space(context.plain().t()).helper_count(3), 4U);
}

/// Q modulo t and modulo the slots, against integers.
TEST_P(PlaintextSpaceTest, KnowsQModuloItsModulus) {
    const Ring& ring = scheme.context.ring();
    const PlaintextSpace& space = scheme.context.plain();
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        const mpz_class q = ring.data().prefix(limbs).product();
        EXPECT_EQ(space.q_modulo_t(limbs), residue(q, Modulus(t)));
        EXPECT_EQ(space.q_modulo_slots(limbs), q % to_mpz(t));
        EXPECT_EQ(space.slot_modulus(), to_mpz(t));
        for (const std::uint64_t m : {std::uint64_t{0}, std::uint64_t{1}, t / 2, t - 1}) {
            // To the nearest, the lower one of two.
            const mpz_class rounded =
                floor_divide(2 * q * to_mpz(m) + to_mpz(t) - 1, mpz_class(2 * to_mpz(t)));
            for (std::size_t i = 0; i < limbs; ++i) {
                EXPECT_EQ(space.scaled(ring, m, limbs, i), residue(rounded, ring.data().modulus(i)));
            }
        }
    }
}

/// The end of decryption: round(t z / Q) modulo t, for any z that is not next to a border.
TEST_P(PlaintextSpaceTest, ScalesDownAsIntegersDo) {
    const Ring& ring = scheme.context.ring();
    for (std::size_t limbs = 1; limbs <= ring.max_limbs(); ++limbs) {
        const RnsBasis basis = ring.data().prefix(limbs);
        const mpz_class q = basis.product();
        const RnsPolynomial z = random_polynomial(basis, Form::coefficient, random);
        const Plaintext found = scheme.context.plain().scaled_to_plain(ring, z);
        const Crt crt(basis);
        std::vector<std::uint64_t> residues(limbs);
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t i = 0; i < limbs; ++i) {
                residues[i] = z.limb(i)[j];
            }
            const mpz_class scaled = 2 * to_mpz(t) * crt.compose(residues) + q;
            const mpz_class rest = scaled - 2 * q * floor_divide(scaled, 2 * q);
            if (rest < (q >> 30) || 2 * q - rest < (q >> 30)) {
                continue;
            }
            ASSERT_EQ(found[j], residue(floor_divide(scaled, 2 * q), Modulus(t))) << limbs << " limbs";
        }
    }
}

TEST(Context, FindsItsPlaintextSpaces) {
    Parameters parameters = small_parameters(64, {50, 45}, {50}, {257, 12289, 16});
    parameters.plain_polynomials = {PlainModulus::binomial(8, 3)};
    const Context context(parameters);
    ASSERT_EQ(context.plain_count(), 4U);
    EXPECT_EQ(context.n(), 64U);
    EXPECT_EQ(&context.plain_for(257), &context.plain(0));
    EXPECT_EQ(&context.plain_for(PlainModulus::binomial(8, 3)), &context.plain(3));
    EXPECT_THROW((void)context.plain(4), Error);
    EXPECT_THROW((void)context.plain_for(97), Error);
    EXPECT_TRUE(context.plain(0).batching());
    EXPECT_EQ(context.plain(0).batching_tables().modulus().value(), 257U);
    for (const std::size_t without : {2, 3}) {
        EXPECT_FALSE(context.plain(without).batching());
        EXPECT_THROW((void)context.plain(without).batching_tables(), Error);
    }
    EXPECT_THROW((void)context.plain(3).modulus(), Error);
}

/// Keys belong to the ring: further moduli share it.
TEST(Context, TakesFurtherModuliOverItsRing) {
    const Scheme scheme(small_parameters(64, {50, 45}, {50}, {257}));
    const Context more(scheme.context.shared_ring(), {12289}, {PlainModulus::binomial(8, 3)});
    EXPECT_EQ(&more.ring(), &scheme.context.ring());
    ASSERT_EQ(more.plain_count(), 2U);
    const Encryptor encryptor(more, scheme.generator.secret_key());
    const Decryptor decryptor(more, scheme.generator.secret_key());
    std::mt19937_64 random(1);
    const Plaintext message = random_plaintext(64, 12289, random);
    EXPECT_EQ(decryptor.decrypt(encryptor.encrypt(message)), message);
    EXPECT_THROW((void)decryptor.decrypt(scheme.encryptor.encrypt(Plaintext(64, 257))), Error);
}

/// A ring by hand is one that no parameters of the scheme asked for.
TEST(Context, OverARingByHandAsksWhatTheSchemeNeeds) {
    const auto ring_of = [](const RingParameters& parameters) {
        return std::make_shared<const Ring>(parameters);
    };
    const std::vector<std::uint64_t> t = {257};
    EXPECT_NO_THROW(Context(ring_of({.n = 64, .data_bits = {50, 50}, .allow_insecure = true}), t));
    EXPECT_THROW(Context(nullptr, t), Error);
    // A product modulo 48 primes and the helpers takes more than the kernels add up at once.
    EXPECT_THROW(
        Context(ring_of({.n = 64, .data_bits = std::vector<int>(48, 50), .allow_insecure = true}), t), Error);
    // A switched key would drown every message.
    EXPECT_THROW(Context(ring_of({.n = 64,
                                  .data_bits = {50, 50},
                                  .special_bits = {10},
                                  .digit_limbs = 2,
                                  .allow_insecure = true}),
                         t),
                 Error);
}

}  // namespace
}  // namespace lacuna::testing
