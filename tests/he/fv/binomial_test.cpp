// SPDX-License-Identifier: Apache-2.0
//
// The scheme modulo x^k - b against schoolbook arithmetic over the integers.
#include <array>
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/flooding.h>
#include <lacuna/he/fv/noise.h>
#include <lacuna/he/fv/product_tables.h>
#include <lacuna/he/fv/reduced_ciphertext.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/he/fv/sparse_product.h>
#include <lacuna/ntt/error.h>
#include "tests/support/binomial.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

Parameters binomial_parameters(std::size_t n, std::size_t k, std::int64_t b, std::vector<int> data,
                               std::vector<int> special, std::size_t digit_limbs = 1) {
    Parameters parameters = small_parameters(n, std::move(data), std::move(special), {}, digit_limbs);
    parameters.plain_polynomials = {PlainModulus::binomial(k, b)};
    return parameters;
}

struct Setting {
    const char* name;
    Parameters parameters;
};

/// One slot and many, p prime and not, b even, odd, negative and tiny; grouped digits; unequal primes; a
/// product that needs one helper prime more than with an integer t (n1024).
const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = {
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

class BinomialTest : public ::testing::TestWithParam<std::size_t> {
  protected:
    BinomialTest()
        : scheme(settings()[GetParam()].parameters),
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

TEST_P(BinomialTest, EncryptionRoundTripsAndExtremesToo) {
    EXPECT_EQ(decrypt(encrypted_a), value_a);
    EXPECT_EQ(decrypt(encrypted_b), value_b);
    for (const bool negative : {false, true}) {
        const Plaintext extreme = ring.extreme(negative);
        EXPECT_EQ(decrypt(scheme.encryptor.encrypt(extreme)), ring.element(extreme));
        EXPECT_EQ(decrypt(scheme.public_encryptor.encrypt(extreme)), ring.element(extreme));
    }
    EXPECT_EQ(decrypt(scheme.encryptor.encrypt(Plaintext(n, t))), BinomialRing::Element(t.power()));
    Plaintext wrong = a;
    wrong[n - 1] = static_cast<std::uint64_t>(-t.coefficient_bound() - 1);
    EXPECT_THROW((void)scheme.encryptor.encrypt(wrong), Error);
}

TEST_P(BinomialTest, AddsSubtractsAndNegatesAtEveryLevelAndForm) {
    const BinomialRing::Element minus_b = ring.scale(value_b, -1);
    for (std::size_t limbs = scheme.context.ring().max_limbs(); limbs >= 1; --limbs) {
        if (scheme.context.ring().log_q(limbs) < t.log_bound() + 22) {
            break;
        }
        const Ciphertext x = scheme.evaluator.mod_switch_to(encrypted_a, limbs);
        const Ciphertext y = scheme.evaluator.mod_switch_to(encrypted_b, limbs);
        EXPECT_EQ(decrypt(x), value_a);
        EXPECT_EQ(decrypt(scheme.evaluator.add(x, y)), ring.add(value_a, value_b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract(x, y)), ring.add(value_a, minus_b));
        EXPECT_EQ(decrypt(scheme.evaluator.negate(x)), ring.scale(value_a, -1));
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(x, b)), ring.add(value_a, value_b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract_plain(x, b)), ring.add(value_a, minus_b));
        const Ciphertext x_ntt = scheme.evaluator.to_ntt(x);
        EXPECT_EQ(decrypt(scheme.evaluator.add_plain(x_ntt, b)), ring.add(value_a, value_b));
        EXPECT_EQ(decrypt(scheme.evaluator.subtract_plain(x_ntt, b)), ring.add(value_a, minus_b));
        EXPECT_EQ(scheme.evaluator.to_coefficients(scheme.evaluator.add_plain(x_ntt, b)),
                  scheme.evaluator.add_plain(x, b));
    }
}

TEST_P(BinomialTest, MultipliesByPlaintextsMonomialsAndSparsePolynomials) {
    const Evaluator& evaluator = scheme.evaluator;
    const BinomialRing::Element product = ring.multiply(value_a, value_b);
    EXPECT_EQ(decrypt(evaluator.multiply_plain(encrypted_a, b)), product);
    const PreparedPlaintext prepared = evaluator.prepare(b, encrypted_a.limbs());
    EXPECT_EQ(decrypt(evaluator.multiply_prepared(evaluator.to_ntt(encrypted_a), prepared)), product);
    for (const bool negative : {false, true}) {
        const Plaintext extreme = ring.extreme(negative);
        EXPECT_EQ(decrypt(evaluator.multiply_plain(encrypted_a, extreme)),
                  ring.multiply(value_a, ring.element(extreme)));
    }
    for (const std::size_t exponent : {std::size_t{0}, std::size_t{1}, n / 2, n - 1, n, 2 * n - 1}) {
        for (const std::int64_t c : {std::int64_t{1}, std::int64_t{-8}, std::int64_t{12345}}) {
            const BinomialRing::Element expected = ring.scale(ring.shift(value_a, exponent), c);
            EXPECT_EQ(decrypt(evaluator.multiply_monomial(encrypted_a, {c, exponent})), expected);
        }
    }
    EXPECT_EQ(decrypt(evaluator.multiply_scalar(encrypted_a, -77)), ring.scale(value_a, -77));
    const std::array<Monomial, 3> terms = {{{3, 1}, {-1, n + 2}, {64, 0}}};
    BinomialRing::Element expected(t.power());
    for (const Monomial& term : terms) {
        expected = ring.add(expected, ring.scale(ring.shift(value_a, term.exponent),
                                                 mpz_class(static_cast<long>(term.coefficient))));
    }
    EXPECT_EQ(decrypt(evaluator.multiply_sparse(encrypted_a, terms)), expected);
}

TEST_P(BinomialTest, SparseProductsAddTheirBiasModuloTheBinomial) {
    const std::int64_t large = std::int64_t{1} << 40;
    const SparseProduct layer(n, 2, {{{0, 0, 3}, {1, 5, -2}}, {{1, 0, 1}}},
                              {{{7, 0}}, {{large, 1}, {-5, n + 1}}});
    const std::vector<Ciphertext> inputs = {encrypted_a, encrypted_b};
    const std::vector<Ciphertext> outputs = layer.apply(scheme.context, inputs);
    BinomialRing::Element one(t.power());
    one[0] = 1;
    EXPECT_EQ(decrypt(outputs[0]),
              ring.add(ring.add(ring.scale(value_a, 3), ring.scale(ring.shift(value_b, 5), -2)),
                       ring.scale(one, 7)));
    EXPECT_EQ(decrypt(outputs[1]),
              ring.add(value_b, ring.scale(ring.shift(one, 1), mpz_class(static_cast<long>(large)) + 5)));
}

TEST_P(BinomialTest, MultipliesAndSquaresScaledAndUnscaled) {
    const Evaluator& evaluator = scheme.evaluator;
    const BinomialRing::Element product = ring.multiply(value_a, value_b);
    const BinomialRing::Element square = ring.multiply(value_a, value_a);
    for (const std::size_t drop : {std::size_t{0}, std::size_t{1}}) {
        const Ciphertext multiplied = evaluator.multiply(encrypted_a, encrypted_b, drop);
        EXPECT_EQ(multiplied.limbs(), encrypted_a.limbs() - drop);
        EXPECT_EQ(decrypt(multiplied), product);
        EXPECT_EQ(decrypt(evaluator.relinearize(multiplied, relin)), product);
        EXPECT_EQ(decrypt(evaluator.square(encrypted_a, drop)), square);
        EXPECT_EQ(evaluator.square(Ciphertext(encrypted_a), drop), evaluator.square(encrypted_a, drop));
        // -Q m^2, for Q of the level of the operand.
        const Ciphertext unscaled = evaluator.square_unscaled(encrypted_a, drop);
        const mpz_class factor = -scheme.context.plain().q_modulo_slots(encrypted_a.limbs());
        EXPECT_EQ((factor + scheme.context.ring().data().product()) % ring.p(), 0);
        EXPECT_EQ(decrypt(unscaled), ring.scale(square, factor));
        EXPECT_EQ(decrypt(evaluator.relinearize(unscaled, relin)), ring.scale(square, factor));
    }
    // The largest products that there are.
    for (const bool negative : {false, true}) {
        const Plaintext extreme = ring.extreme(negative);
        const BinomialRing::Element value = ring.element(extreme);
        EXPECT_EQ(decrypt(evaluator.square(scheme.encryptor.encrypt(extreme))), ring.multiply(value, value));
    }
}

TEST_P(BinomialTest, RotatesByTheGroupThatFixesTheModulus) {
    const Evaluator& evaluator = scheme.evaluator;
    const int k = static_cast<int>(t.power());
    std::vector<int> steps = {0};
    for (const int step : {1, -1, 3, k / 2, k - 1}) {
        if (step > -k && step < k) {
            steps.push_back(step);
        }
    }
    const GaloisKeys keys = scheme.generator.galois_keys_for(rotation_elements(scheme.context.n(), t, steps));
    const std::vector<Ciphertext> hoisted = evaluator.rotate_rows_hoisted(encrypted_a, steps, keys);
    std::vector<PreparedPlaintext> weights;
    std::vector<Evaluator::RotatedTerm> terms;
    BinomialRing::Element sum(t.power());
    weights.reserve(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::uint32_t element = rotation_element(n, t, steps[i]);
        EXPECT_EQ(element % (2 * n / t.power()), 1U);
        const BinomialRing::Element turned = ring.automorphism(value_a, element);
        EXPECT_EQ(decrypt(evaluator.rotate_rows(encrypted_a, steps[i], keys)), turned);
        EXPECT_EQ(decrypt(hoisted[i]), turned);
        const Plaintext weight = ring.random_plaintext(random);
        weights.push_back(evaluator.prepare_for_rotations(weight, encrypted_a.limbs()));
        terms.push_back({steps[i], &weights.back()});
        sum = ring.add(sum, ring.multiply(turned, ring.element(weight)));
    }
    EXPECT_EQ(decrypt(evaluator.sum_of_rotated_products(encrypted_a, terms, keys)), sum);
    EXPECT_THROW((void)evaluator.rotate_rows(encrypted_a, k, keys), Error);
    EXPECT_THROW((void)evaluator.rotate_columns(encrypted_a, keys), Error);
}

TEST_P(BinomialTest, FloodedAndSwitchedCiphertextsKeepTheirMessage) {
    const Ciphertext product =
        scheme.evaluator.relinearize(scheme.evaluator.multiply(encrypted_a, encrypted_b), relin);
    const BinomialRing::Element expected = ring.multiply(value_a, value_b);
    const int bits = static_cast<int>(scheme.context.ring().log_q(product.limbs()) - t.log_bound() - 4);
    EXPECT_EQ(decrypt(flood(scheme.context, scheme.public_encryptor, product, bits)), expected);
    EXPECT_EQ(decrypt(scheme.evaluator.mod_switch(product)), expected);
}

TEST_P(BinomialTest, NoisePredictionsBoundMeasurements) {
    const NoiseModel model(resolve(settings()[GetParam()].parameters), t.log_norm());
    const auto expect_bounded = [&](const NoiseEstimate& estimate, const Ciphertext& ciphertext,
                                    const char* what, double most) {
        const double measured = scheme.decryptor.noise_budget(ciphertext);
        const double predicted = model.budget(estimate);
        EXPECT_LE(predicted, measured) << what;
        EXPECT_LT(measured - predicted, most) << what;
        EXPECT_GT(measured, 0.2) << what;
    };
    // n sets how far the largest of n coefficients stays below the bound of 14.5 deviations: bits for 16.
    const double slack = 6;
    const Evaluator& evaluator = scheme.evaluator;
    const NoiseEstimate symmetric = model.fresh_symmetric();
    const NoiseEstimate asymmetric = model.fresh_public();
    for (int i = 0; i < 10; ++i) {
        expect_bounded(symmetric, scheme.encryptor.encrypt(i % 2 == 0 ? a : ring.extreme(i % 4 == 1)),
                       "symmetric", slack);
        expect_bounded(asymmetric, scheme.public_encryptor.encrypt(b), "public", slack);
    }
    expect_bounded(model.add_plain(symmetric), evaluator.add_plain(encrypted_a, b), "add_plain", slack);
    expect_bounded(model.multiply_plain(asymmetric, spectral_norm(a)),
                   evaluator.multiply_plain(encrypted_b, a), "multiply_plain", slack + 4);
    const NoiseEstimate product = model.multiply(symmetric, asymmetric);
    const Ciphertext multiplied = evaluator.multiply(encrypted_a, encrypted_b);
    expect_bounded(product, multiplied, "multiply", slack + 2);
    expect_bounded(model.relinearize(product), evaluator.relinearize(multiplied, relin), "relinearize",
                   slack + 2);
    expect_bounded(model.square_unscaled(symmetric), evaluator.square_unscaled(encrypted_a),
                   "square_unscaled", slack + 4);
    const NoiseEstimate switched = model.mod_switch_to(model.relinearize(product), encrypted_a.limbs() - 1);
    expect_bounded(switched, evaluator.mod_switch(evaluator.relinearize(multiplied, relin)), "mod_switch",
                   slack + 2);
}

/// n Q has 146 bits, three helper primes; times |b| + 1 it has 156.
TEST(BinomialSpace, ProductsTakeAHelperPrimeMoreWhereTheBaseAsksForIt) {
    const Context context(binomial_parameters(1024, 4, 1000, {46, 45, 45}, {50}));
    const ProductTables products(context);
    EXPECT_EQ(products.helpers().count(context.ring(), 3), 3U);
    EXPECT_EQ(products.space(context.plain().t()).helper_count(3), 4U);
}

INSTANTIATE_TEST_SUITE_P(Settings, BinomialTest, ::testing::Range(std::size_t{0}, settings().size()),
                         [](const auto& info) { return std::string(settings()[info.param].name); });

// ---- slots

struct SlotSetting {
    std::size_t n;
    std::size_t k;
    std::int64_t b;
};

/// p of 16, 30, 43, 57, 62, 88, 121, 134 and 158 bits, at the smallest and largest degrees.
const std::vector<SlotSetting>& slot_settings() {
    static const std::vector<SlotSetting> all = {
        {16, 1, 2},         {32, 2, 2},          {1024, 64, 2},     {64, 16, 160},    {4096, 1024, 160},
        {8192, 2048, 1472}, {8192, 2048, -1472}, {8192, 1024, 132}, {4096, 512, 240}, {256, 16, 44},
        {4096, 256, 188},   {8192, 512, 330},    {1024, 32, 30},    {8192, 1, 2},     {4096, 1, 10},
        {32768, 8192, 160}, {16384, 2048, 680},
    };
    return all;
}

mpz_class random_below(const mpz_class& p, std::mt19937_64& random) {
    mpz_class value = 0;
    while (value < p) {
        value = (value << 64) + mpz_class(static_cast<unsigned long>(random()));
    }
    return value % p;
}

mpz_class centred(const mpz_class& value, const mpz_class& p) {
    mpz_class rest;
    mpz_fdiv_r(rest.get_mpz_t(), value.get_mpz_t(), p.get_mpz_t());
    return 2 * rest > p ? mpz_class(rest - p) : rest;
}

TEST(BinomialEncoder, RoundTripsExtremesInSmallCoefficients) {
    std::mt19937_64 random(5);
    for (const auto& [n, k, b] : slot_settings()) {
        SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(PlainModulus::binomial(k, b)));
        const Context context(binomial_parameters(n, k, b, {50}, {}));
        const BinomialEncoder encoder(context);
        ASSERT_EQ(encoder.slots(), k);
        const mpz_class& p = encoder.modulus();
        std::vector<mpz_class> values = {p - 1, p / 2, p / 2 + 1, 0, 1, -1, p, -p / 2};
        values.resize(std::min<std::size_t>(values.size(), k));
        while (values.size() < k) {
            values.push_back(random_below(p, random));
        }
        for (const mpz_class& first : {mpz_class(p / 2), mpz_class(p - 1), mpz_class(5)}) {
            values[0] = first;
            const Plaintext plaintext = encoder.encode(values);
            const std::vector<mpz_class> decoded = encoder.decode(plaintext);
            for (std::size_t j = 0; j < k; ++j) {
                ASSERT_EQ(decoded[j], centred(values[j], p)) << j;
            }
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_LE(std::abs(plaintext.centred(i)), plaintext.t().coefficient_bound());
            }
        }
        std::vector<std::int64_t> words = {1, -1, 12345, -54321};
        words.resize(k);
        std::vector<std::int64_t> most = {std::numeric_limits<std::int64_t>::max(),
                                          std::numeric_limits<std::int64_t>::min()};
        most.resize(std::min<std::size_t>(2, k));
        const std::vector<std::int64_t> decoded_words = encoder.decode_words(encoder.encode(words));
        const std::vector<mpz_class> decoded_most = encoder.decode(encoder.encode(most));
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(decoded_words[j], centred(mpz_class(static_cast<long>(words[j])), p)) << j;
            ASSERT_EQ(decoded_most[j],
                      j < 2 ? centred(mpz_class(static_cast<long>(most[j])), p) : mpz_class(0));
        }
        std::vector<std::int64_t> more(k + 1);
        EXPECT_THROW((void)encoder.encode(more), Error);
        EXPECT_THROW((void)encoder.decode(Plaintext(n, 97)), Error);
    }
}

/// In every residue class modulo p, and every coefficient: the widest coverage that a small p allows.
TEST(BinomialEncoder, EveryResidueHasItsDigits) {
    for (const std::int64_t b : {2, -2, 3, 4, -4, 5, 6, 10, -10}) {
        const std::size_t n = 16;
        for (const std::size_t k : {std::size_t{4}, std::size_t{8}}) {
            const PlainModulus t = PlainModulus::binomial(k, b);
            const mpz_class p = slot_modulus(t, n);
            for (mpz_class v = 0; v < p; ++v) {
                const std::vector<std::int64_t> digits = balanced_digits(v, t, n);
                ASSERT_EQ(value_of_digits(digits, t, n), centred(v, p));
                for (const std::int64_t digit : digits) {
                    ASSERT_LE(std::abs(digit), t.coefficient_bound()) << b << " " << v;
                }
            }
        }
    }
    EXPECT_EQ(balanced_digits(-1, PlainModulus::binomial(1, 2), 16)[0], -1);
    EXPECT_EQ(balanced_digits(-3, PlainModulus::binomial(4, 160), 16),
              (std::vector<std::int64_t>{-3, 0, 0, 0}));
    // 7 = 8 - 1 has two digits that are not zero, and none of them adjacent.
    EXPECT_EQ(balanced_digits(7, PlainModulus::binomial(2, 2), 16),
              (std::vector<std::int64_t>{-1, 0, 0, 1, 0, 0, 0, 0}));
}

TEST(BinomialEncoder, SlotsAreValuesAtTheSmallestRootAndItsRotations) {
    std::mt19937_64 random(6);
    for (const auto& [n, k, b] : slot_settings()) {
        if (k > 64 || k == 1) {
            continue;
        }
        SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(PlainModulus::binomial(k, b)));
        const PlainModulus t = PlainModulus::binomial(k, b);
        const Context context(binomial_parameters(n, k, b, {50}, {}));
        const BinomialEncoder encoder(context);
        const BinomialRing ring(n, t);
        const mpz_class& p = encoder.modulus();
        // x itself is zeta in slot 0.
        Plaintext x(n, t);
        x[1] = 1;
        const mpz_class zeta = encoder.decode(x)[0];
        mpz_class power;
        mpz_powm_ui(power.get_mpz_t(), zeta.get_mpz_t(), k, p.get_mpz_t());
        EXPECT_EQ(centred(power, p), b);
        for (const mpz_class& other : encoder.decode(x)) {
            EXPECT_LE((zeta % p + p) % p, (other % p + p) % p);
        }
        const Plaintext plaintext = ring.random_plaintext(random);
        const std::vector<mpz_class> slots = encoder.decode(plaintext);
        std::uint64_t exponent = 1;
        for (std::size_t j = 0; j < k; ++j) {
            mpz_class at;
            mpz_powm_ui(at.get_mpz_t(), zeta.get_mpz_t(), exponent, p.get_mpz_t());
            mpz_class value = 0;
            for (std::size_t i = n; i-- > 0;) {
                value = (value * at + static_cast<long>(plaintext.centred(i))) % p;
            }
            EXPECT_EQ(slots[j], centred(value, p)) << j;
            exponent = exponent * (1 + 2 * n / k) % (2 * n);
        }
    }
}

TEST(BinomialEncoder, ConstantsFillEverySlot) {
    for (const auto& [n, k, b] : slot_settings()) {
        const Context context(binomial_parameters(n, k, b, {50}, {}));
        const BinomialEncoder encoder(context);
        for (const mpz_class& value : {mpz_class(7), mpz_class(-7), mpz_class(encoder.modulus() / 3)}) {
            for (const mpz_class& slot : encoder.decode(encoder.encode_constant(value))) {
                ASSERT_EQ(slot, centred(value, encoder.modulus()));
            }
        }
    }
}

TEST(BinomialEncoder, RefusesModuliWithoutSlots) {
    const auto message_of = [](const Parameters& parameters) -> std::string {
        try {
            const Context context(parameters);
            (void)BinomialEncoder(context);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_NE(message_of(small_parameters(16, {50}, {}, {97})).find("the integer 97"), std::string::npos);
    EXPECT_NE(message_of(binomial_parameters(64, 8, 3, {50}, {})).find("x^8 - 3"), std::string::npos);
    EXPECT_NE(message_of(binomial_parameters(4096, 2, 2, {50}, {})).find("2049 bits"), std::string::npos);
}

/// Encrypted slots: multiplied, rotated, at the degrees of the packed layout and beyond.
TEST(BinomialSlots, MultiplyAndRotateOneByOne) {
    std::mt19937_64 random(8);
    for (const auto& [n, k, b] : slot_settings()) {
        SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(PlainModulus::binomial(k, b)));
        Parameters parameters = binomial_parameters(n, k, b, {50, 50, 50}, {50});
        const Scheme scheme(parameters);
        const PlainModulus t = scheme.context.plain().t();
        const BinomialEncoder encoder(scheme.context);
        const mpz_class& p = encoder.modulus();
        std::vector<mpz_class> x(k);
        std::vector<mpz_class> y(k);
        for (std::size_t j = 0; j < k; ++j) {
            x[j] = random_below(p, random);
            y[j] = random_below(p, random);
        }
        const Plaintext plain_y = encoder.encode(y);
        const Ciphertext cx = scheme.encryptor.encrypt(encoder.encode(x));
        const Ciphertext cy = scheme.public_encryptor.encrypt(plain_y);
        const auto slots = [&](const Ciphertext& c) { return encoder.decode(scheme.decryptor.decrypt(c)); };
        const std::vector<mpz_class> product = slots(scheme.evaluator.multiply(cx, cy));
        const std::vector<mpz_class> plain_product = slots(scheme.evaluator.multiply_plain(cx, plain_y));
        const std::vector<mpz_class> square = slots(scheme.evaluator.square_unscaled(cx));
        const mpz_class q = scheme.context.ring().data().product();
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(product[j], centred(x[j] * y[j], p)) << j;
            ASSERT_EQ(plain_product[j], centred(x[j] * y[j], p)) << j;
            ASSERT_EQ(square[j], centred(-q * x[j] * x[j], p)) << j;
        }
        if (k > 1) {
            const int step =
                static_cast<int>(k / 2) + 1 < static_cast<int>(k) ? static_cast<int>(k / 2) + 1 : 1;
            const std::vector<int> steps = {step, -1};
            const GaloisKeys keys =
                scheme.generator.galois_keys_for(rotation_elements(scheme.context.n(), t, steps));
            for (const int by : steps) {
                const std::vector<mpz_class> turned = slots(scheme.evaluator.rotate_rows(cx, by, keys));
                for (std::size_t j = 0; j < k; ++j) {
                    const std::size_t from = (j + k + static_cast<std::size_t>(by)) % k;
                    ASSERT_EQ(turned[j], centred(x[from], p)) << by << " " << j;
                }
            }
        }
    }
}

// ---- the prototype

/// shared figures of the slow program: n = 8192, log2 Q = 150, budget of fresh symmetric encryptions, and
/// what a square costs, about log2 b + 12 bits.
TEST(BinomialNoise, AgreesWithThePrototype) {
    struct Figure {
        std::size_t k;
        std::int64_t b;
        double fresh;
    };
    std::mt19937_64 random(9);
    for (const auto& [k, b, fresh] :
         {Figure{2048, 272, 137.2}, Figure{2048, 1472, 134.8}, Figure{1024, 132, 138.2}}) {
        Parameters parameters;
        parameters.n = 8192;
        parameters.data_bits = {50, 50, 50};
        parameters.special_bits = {50};
        parameters.plain_polynomials = {PlainModulus::binomial(k, b)};
        const Scheme scheme(parameters);
        const BinomialEncoder encoder(scheme.context);
        std::vector<std::int64_t> values(k);
        for (std::int64_t& value : values) {
            value = static_cast<std::int64_t>(random() % 5);
        }
        const Ciphertext x = scheme.encryptor.encrypt(encoder.encode(values));
        const double measured = scheme.decryptor.noise_budget(x);
        EXPECT_NEAR(measured, fresh, 0.5) << b;
        const Ciphertext square =
            scheme.evaluator.relinearize(scheme.evaluator.square(x), scheme.generator.relin_keys());
        const double after = scheme.decryptor.noise_budget(square);
        EXPECT_NEAR(measured - after, std::log2(static_cast<double>(b)) + 12, 2) << b;
        const std::vector<std::int64_t> decoded = encoder.decode_words(scheme.decryptor.decrypt(square));
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(decoded[j], values[j] * values[j]);
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
