// SPDX-License-Identifier: Apache-2.0
//
// The noise model against the noise itself, which the secret key measures: never below, and not far above.
// LACUNA_NOISE_KEYSETS sets how many key sets the tightness tests try: 25 unless it says 100, the number of
// the claim.
#include <lacuna/he/fv/noise.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/ntt/error.h>
#include "tests/support/parameter_names.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

double log_t_of(const Context& context, std::size_t index = 0) {
    return std::log2(static_cast<double>(context.plain(index).modulus().value()));
}

/// Euclidean norm and sum of |c| of the centred coefficients.
struct Norms {
    double two = 0;
    double one = 0;
    explicit Norms(const Plaintext& plaintext) {
        const Modulus t(plaintext.modulus());
        for (std::size_t j = 0; j < plaintext.n(); ++j) {
            const auto c = static_cast<double>(t.centre(plaintext[j]));
            two += c * c;
            one += std::abs(c);
        }
        two = std::sqrt(two);
    }
};

/// A ciphertext and what is predicted of it.
struct Tracked {
    Ciphertext ciphertext;
    NoiseEstimate estimate;
};

struct Setting {
    const char* name;
    Parameters parameters;
};

const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = {
        {"n64", small_parameters(64, {50, 50, 50, 50, 50}, {50}, {257})},
        {"n256_t_of_two", small_parameters(256, {50, 45, 40, 50}, {50}, {2})},
        {"n256_wide_t",
         small_parameters(256, std::vector<int>(7, 50), {50}, {(std::uint64_t{1} << 40) - 87})},
        {"n512_grouped_digits", small_parameters(512, {45, 44, 46, 45, 44}, {47, 48}, {1 << 16}, 2)},
        {"n256_three_in_a_digit",
         small_parameters(256, {40, 40, 40, 40, 40, 40, 40}, {42, 42, 42}, {12289}, 3)},
        {"n512_special_below_the_digit", small_parameters(512, {50, 50, 50, 50, 50}, {40}, {65537})},
        {"n1024_short_last_prime", small_parameters(1024, {50, 50, 50, 32}, {32}, {1 << 10})},
        {"n4096", small_parameters(4096, {50, 50, 50}, {50}, {40961})},
    };
    return all;
}

class NoiseTest : public ::testing::TestWithParam<std::size_t> {
  protected:
    NoiseTest()
        : scheme(settings()[GetParam()].parameters),
          model(resolve(settings()[GetParam()].parameters), log_t_of(scheme.context)),
          relin(scheme.generator.relin_keys(2)),
          galois(scheme.generator.galois_keys(std::vector<int>{1, 2, -3}, true, 2)),
          n(scheme.context.n()),
          t(scheme.context.plain().modulus().value()) {}

    Plaintext message() {
        switch (random() % 4) {
            case 0:
                return constant_plaintext(n, t, t / 2);
            case 1:
                return constant_plaintext(n, t, (t / 2 + 1) % t);
            default:
                return random_plaintext(n, t, random);
        }
    }
    Tracked symmetric() { return {scheme.encryptor.encrypt(message()), model.fresh_symmetric()}; }
    Tracked public_key() { return {scheme.public_encryptor.encrypt(message()), model.fresh_public()}; }

    /// The prediction is a lower bound of the budget. Returns how many bits it lies below.
    double expect_bounded(const Tracked& tracked, const std::string& what) {
        EXPECT_EQ(tracked.estimate.limbs, tracked.ciphertext.limbs()) << what;
        EXPECT_EQ(tracked.estimate.size, tracked.ciphertext.size()) << what;
        const double predicted = model.budget(tracked.estimate);
        const double measured = scheme.decryptor.noise_budget(tracked.ciphertext);
        EXPECT_LE(predicted, measured) << what;
        EXPECT_GT(measured, 0.2) << what << ": the circuit left the range where noise can be measured";
        return measured - predicted;
    }

    Tracked switched(const Tracked& a, std::size_t limbs) {
        return {scheme.evaluator.mod_switch_to(a.ciphertext, limbs), model.mod_switch_to(a.estimate, limbs)};
    }

    std::mt19937_64 random{GetParam() + 100};
    Scheme scheme;
    NoiseModel model;
    RelinKeys relin;
    GaloisKeys galois;
    std::size_t n;
    std::uint64_t t;
};

TEST_P(NoiseTest, FreshCiphertextsAreWithinFiveBitsAndNeverAbove) {
    for (int i = 0; i < 20; ++i) {
        EXPECT_LT(expect_bounded(symmetric(), "symmetric"), 5);
        EXPECT_LT(expect_bounded(public_key(), "public"), 5);
    }
}

TEST_P(NoiseTest, RandomCircuitsStayBelowThePrediction) {
    const Evaluator& evaluator = scheme.evaluator;
    for (int circuit = 0; circuit < (n >= 4096 ? 2 : 6); ++circuit) {
        std::vector<Tracked> pool = {symmetric(), public_key()};
        for (int step = 0; step < 40; ++step) {
            Tracked a = pool[random() % pool.size()];
            Tracked b = pool[random() % pool.size()];
            const std::size_t limbs = std::min(a.ciphertext.limbs(), b.ciphertext.limbs());
            std::string what;
            Tracked result;
            switch (random() % 12) {
                case 0:
                    result = symmetric();
                    what = "symmetric";
                    break;
                case 1:
                    result = public_key();
                    what = "public";
                    break;
                case 2:
                    a = switched(a, limbs);
                    b = switched(b, limbs);
                    result = {random() % 2 == 0 ? evaluator.add(a.ciphertext, b.ciphertext)
                                                : evaluator.subtract(a.ciphertext, b.ciphertext),
                              model.add(a.estimate, b.estimate)};
                    what = "add";
                    break;
                case 3:
                    result = {evaluator.add_plain(a.ciphertext, message()), model.add_plain(a.estimate)};
                    what = "add_plain";
                    break;
                case 4: {
                    const std::int64_t c = Modulus(t).centre(1 + random() % (t - 1));
                    result = {evaluator.multiply_monomial(a.ciphertext, {c, random() % (2 * n)}),
                              model.linear(a.estimate, std::abs(static_cast<double>(c)))};
                    what = "multiply_monomial";
                    break;
                }
                case 5: {
                    const Plaintext weights = random_plaintext(n, t, random);
                    result = {evaluator.multiply_plain(a.ciphertext, weights),
                              model.multiply_plain(a.estimate, spectral_norm(weights))};
                    what = "multiply_plain";
                    break;
                }
                case 6: {
                    const Plaintext weights = message();  // constants among them: sum |w| it is
                    result = {evaluator.multiply_plain(a.ciphertext, weights),
                              model.linear(a.estimate, Norms(weights).one)};
                    what = "multiply_plain by norm 1";
                    break;
                }
                case 7:
                    if (a.ciphertext.size() == 3 || b.ciphertext.size() == 3) {
                        continue;
                    }
                    a = switched(a, limbs);
                    b = switched(b, limbs);
                    result = {evaluator.multiply(a.ciphertext, b.ciphertext),
                              model.multiply(a.estimate, b.estimate)};
                    what = "multiply";
                    break;
                case 8:
                    if (a.ciphertext.size() == 3) {
                        continue;
                    }
                    result = {evaluator.square(a.ciphertext), model.multiply(a.estimate, a.estimate)};
                    what = "square";
                    break;
                case 9:
                    result = {evaluator.relinearize(a.ciphertext, relin), model.relinearize(a.estimate)};
                    what = "relinearize";
                    break;
                case 10:
                    if (a.ciphertext.size() == 3) {
                        continue;
                    }
                    result = {random() % 2 == 0 ? evaluator.rotate_rows(a.ciphertext, 2, galois)
                                                : evaluator.rotate_columns(a.ciphertext, galois),
                              model.rotate(a.estimate)};
                    what = "rotate";
                    break;
                default:
                    if (a.ciphertext.limbs() == 1) {
                        continue;
                    }
                    result = switched(a, 1 + random() % (a.ciphertext.limbs() - 1));
                    what = "mod_switch";
            }
            if (model.budget(result.estimate) < 1) {
                continue;  // no promise
            }
            expect_bounded(
                result, what + " in step " + std::to_string(step) + " of circuit " + std::to_string(circuit));
            pool.push_back(std::move(result));
            if (pool.size() > 8) {
                pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(random() % pool.size()));
            }
        }
    }
}

TEST_P(NoiseTest, MultiplyChainsWithAndWithoutRelinearisationAndASwitchAfterEachStep) {
    const Evaluator& evaluator = scheme.evaluator;
    for (const bool fresh_by_key : {false, true}) {
        Tracked x = fresh_by_key ? symmetric() : public_key();
        for (int depth = 1; depth <= 3; ++depth) {
            const Tracked product = {evaluator.square(x.ciphertext), model.multiply(x.estimate, x.estimate)};
            if (model.budget(product.estimate) < 1) {
                break;
            }
            const std::string what = "depth " + std::to_string(depth);
            expect_bounded(product, what);
            Tracked y = {evaluator.relinearize(product.ciphertext, relin),
                         model.relinearize(product.estimate)};
            for (std::size_t limbs = product.ciphertext.limbs(); limbs >= 1; --limbs) {
                const Tracked late = switched(product, limbs);
                if (model.budget(late.estimate) > 1) {
                    expect_bounded(late, what + ", size 3, switched");
                }
                const Tracked low = switched(y, limbs);
                if (model.budget(low.estimate) > 1) {
                    expect_bounded(low, what + ", relinearised, switched");
                }
                // Switched first, so that a digit at the lower level is cut short.
                const NoiseEstimate relinearized = model.relinearize(late.estimate);
                if (model.budget(relinearized) > 1) {
                    expect_bounded({evaluator.relinearize(late.ciphertext, relin), relinearized},
                                   what + ", switched, relinearised");
                }
            }
            x = y;
        }
    }
}

TEST_P(NoiseTest, IdenticalRowsAddUpFully) {
    // The same noise k times over: its size is k times as large, not sqrt(k).
    const Tracked x = public_key();
    Ciphertext sum = x.ciphertext;
    for (int k = 2; k <= 64; ++k) {
        sum = scheme.evaluator.add(sum, x.ciphertext);
    }
    const NoiseEstimate estimate = model.linear(x.estimate, 64);
    if (model.budget(estimate) < 1) {
        return;
    }
    const double slack = expect_bounded({sum, estimate}, "64 identical terms");
    EXPECT_NEAR(slack, scheme.decryptor.noise_budget(x.ciphertext) - model.budget(x.estimate), 1e-6);

    // Identical rows of a layer, then their sum.
    std::vector<Ciphertext> inputs;
    std::vector<SparseTerm> row;
    for (std::uint32_t i = 0; i < 10; ++i) {
        inputs.push_back(symmetric().ciphertext);
        row.push_back({i, static_cast<std::uint32_t>(random() % (2 * n)), i % 2 == 0 ? 4 : -1});
    }
    const SparseProduct product(n, 10, std::vector<std::vector<SparseTerm>>(8, row));
    const std::vector<Ciphertext> outputs = product.apply(scheme.context, inputs);
    // The inputs' noises are independent, the outputs' are one and the same.
    const NoiseEstimate output = model.linear(model.fresh_symmetric(), product.norm_2());
    expect_bounded({outputs[0], output}, "independent inputs");
    Ciphertext total = outputs[0];
    for (std::size_t j = 1; j < 8; ++j) {
        total = scheme.evaluator.add(total, outputs[j]);
    }
    const NoiseEstimate all = model.linear(output, 8);
    if (model.budget(all) > 1) {
        expect_bounded({total, all}, "8 identical rows");
    }
}

TEST_P(NoiseTest, SumsOfRotatedProductsAtEveryLevel) {
    const std::vector<int> steps = {0, 1, 2, -3, 1};
    const Tracked top = public_key();
    for (std::size_t limbs = top.ciphertext.limbs(); limbs >= 1; --limbs) {
        const Tracked x = switched(top, limbs);
        std::vector<PreparedPlaintext> prepared;
        double norm = 0;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const Plaintext weights = random_plaintext(n, t, random);
            norm = std::max(norm, spectral_norm(weights));
            prepared.push_back(scheme.evaluator.prepare_for_rotations(weights, limbs));
        }
        std::vector<Evaluator::RotatedTerm> terms;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            terms.push_back({steps[i], &prepared[i]});
        }
        const NoiseEstimate estimate = model.sum_of_rotated_products(x.estimate, steps.size(), norm);
        if (model.budget(estimate) > 1) {
            expect_bounded({scheme.evaluator.sum_of_rotated_products(x.ciphertext, terms, galois), estimate},
                           std::to_string(limbs) + " limbs");
        }
        if (model.budget(model.rotate(x.estimate)) > 1) {
            for (const Ciphertext& rotated :
                 scheme.evaluator.rotate_rows_hoisted(x.ciphertext, std::vector<int>{1, 2, -3}, galois)) {
                expect_bounded({rotated, model.rotate(x.estimate)}, "rotation");
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Parameters, NoiseTest, ::testing::Range(std::size_t{0}, settings().size()),
                         [](const auto& info) { return settings()[info.param].name; });

TEST(NoiseModel, WithoutSpecialPrimesPublicKeyNoiseIsLargerAndStillBounded) {
    const Parameters parameters = small_parameters(1024, {50, 50}, {}, {65537});
    const NoiseModel model(resolve(parameters), std::log2(65537.0));
    EXPECT_LT(model.budget(model.fresh_public()), model.budget(model.fresh_symmetric()) - 3);
    for (int i = 0; i < 3; ++i) {
        const Scheme scheme(parameters);
        const double measured = scheme.decryptor.noise_budget(
            scheme.public_encryptor.encrypt(constant_plaintext(1024, 65537, 32768)));
        EXPECT_LE(model.budget(model.fresh_public()), measured);
        EXPECT_LE(measured - model.budget(model.fresh_public()), 5);
    }
}

TEST(NoiseModel, SizesInBitsPredictWhatTheirPrimesDo) {
    const Parameters parameters = small_parameters(8192, {50, 50, 50, 32}, {32}, {65537});
    const NoiseModel sizes(parameters, 16);
    const NoiseModel primes(resolve(parameters), 16);
    NoiseEstimate a = sizes.fresh_public();
    NoiseEstimate b = primes.fresh_public();
    for (int depth = 0; depth < 3; ++depth) {
        a = sizes.relinearize(sizes.multiply(a, a));
        b = primes.relinearize(primes.multiply(b, b));
        EXPECT_NEAR(sizes.budget(a), primes.budget(b), 0.01);
        EXPECT_NEAR(sizes.budget(sizes.mod_switch_to(a, 2)), primes.budget(primes.mod_switch_to(b, 2)), 0.01);
    }
}

TEST(NoiseModel, CountsThePowersOfTheSecret) {
    const NoiseModel model(small_parameters(4096, {50, 50, 50}, {50}, {}), 16);
    EXPECT_EQ(model.fresh_symmetric().secret_power(), 0);
    EXPECT_EQ(model.fresh_public().secret_power(), 1);
    EXPECT_EQ(model.rotate(model.fresh_symmetric()).secret_power(), 1);
    const NoiseEstimate product = model.multiply(model.fresh_public(), model.fresh_symmetric());
    EXPECT_EQ(product.secret_power(), 2);
    EXPECT_EQ(model.mod_switch_to(model.multiply(model.fresh_symmetric(), model.fresh_symmetric()), 2)
                  .secret_power(),
              2);
    EXPECT_EQ(model.mod_switch_to(model.fresh_symmetric(), 2).secret_power(), 1);
    EXPECT_EQ(model.mod_switch_to(model.fresh_symmetric(), 3).secret_power(), 0);
    EXPECT_EQ(model.add(product, model.fresh_symmetric()).secret_power(), 2);
    EXPECT_EQ(product.products, 1);
    EXPECT_EQ(model.multiply(product, model.fresh_symmetric()).products, 2);
}

TEST(NoiseModel, ModelsUnscaledSquaresOfScalarSumsOfFreshCiphertextsAlone) {
    const NoiseModel model(small_parameters(4096, {50, 50, 50}, {50}, {}), 16);
    const NoiseEstimate fresh = model.fresh_symmetric();
    const NoiseEstimate sum = model.add_plain(model.linear(fresh, NoiseNorms{9, 3, 9, 9}), 1);
    EXPECT_NO_THROW((void)model.square_unscaled(fresh));
    EXPECT_GT(model.log_bound(model.square_unscaled(sum)), model.log_bound(model.square_unscaled(fresh)));
    const NoiseEstimate square = model.square_unscaled(fresh);
    for (const NoiseEstimate& other :
         {model.fresh_public(), model.multiply_plain(fresh, 100), square, model.relinearize(square),
          model.rotate(fresh), model.mod_switch_to(fresh, 2), model.multiply(fresh, fresh),
          model.add(fresh, model.fresh_public())}) {
        EXPECT_THROW((void)model.square_unscaled(other), Error);
    }
}

/// x (x x): the rounding of a constant that x holds, times K_x twice, has no error of its own to be linear
/// in; nor has an unscaled square's e^2, times K twice.
TEST(NoiseModel, FollowsPowersOfTheFactorThatATermIsLinearIn) {
    const NoiseModel model(small_parameters(4096, {50, 50, 50, 50}, {50}, {}), 16);
    const auto largest_own_power = [](const NoiseEstimate& a) {
        std::size_t power = 0;
        for (const NoiseTerm& term : a.terms) {
            power = std::max(power, term.own_power);
        }
        return power;
    };
    NoiseEstimate constant;  // nothing but what is certain
    constant.limbs = 4;
    constant = model.add_plain(constant, 1);
    const NoiseEstimate square = model.multiply(constant, constant);
    EXPECT_EQ(largest_own_power(square), 1U);
    const NoiseEstimate cube = model.multiply(square, constant);
    EXPECT_EQ(largest_own_power(cube), 2U);
    const NoiseEstimate z = model.relinearize(model.square_unscaled(model.fresh_symmetric()));
    const NoiseEstimate z2 = model.relinearize(model.multiply(z, z));
    EXPECT_EQ(largest_own_power(model.multiply(z2, z)), 2U);
    // A power has the longer tail than two factors.
    const NoiseTail& tail = model.tail();
    EXPECT_GT(tail.log_deviations(NoiseFactors{}, 2, 2), tail.log_deviations(NoiseFactors{}.with(), 2, 1));
    EXPECT_THROW((void)model.multiply(model.flood(z, 40, 1).estimate, z), Error);
}

/// A dense certain part may lie on one embedding: with K it grows by the sum of its coefficients.
TEST(NoiseModel, CountsCertainPartsByTheirSum) {
    const NoiseModel model(small_parameters(4096, {50, 50, 50, 50}, {50}, {}), 16);
    const NoiseEstimate fresh = model.fresh_symmetric();
    const auto product = [&](std::size_t coefficients) {
        const NoiseEstimate x = model.linear(model.add_plain(fresh, coefficients), NoiseNorms{1e6, 1, 1, 1});
        return model.log_bound(model.multiply(x, x));
    };
    EXPECT_NEAR(product(64), product(1) + 6, 0.1);
}

TEST(NoiseModel, BoundsEveryCoefficientOfAllRepliesAtOnce) {
    const Parameters parameters = small_parameters(4096, {50, 50, 50}, {50}, {});
    const NoiseModel one(parameters, 16);
    const NoiseModel thousand(parameters, 16, 1000);
    const auto product = [](const NoiseModel& model) {
        return model.log_bound(model.multiply(model.fresh_symmetric(), model.fresh_symmetric()));
    };
    EXPECT_GT(product(thousand), product(one));
    EXPECT_LT(product(thousand), product(one) + 0.1) << "ten bits of 128";
}

TEST(NoiseModel, SpectralNormsAreTheLargestValuesAtTheRoots) {
    std::mt19937_64 random(8);
    for (const std::size_t n : {16, 64, 4096}) {
        for (const std::uint64_t t : {std::uint64_t{3}, std::uint64_t{65537}}) {
            Plaintext monomial(n, t);
            monomial[n / 2] = t - 1;
            EXPECT_NEAR(spectral_norm(monomial), 1, 1e-9);
            // 1 + x + ... + x^(n-1) is 2 / (1 - w) at w.
            EXPECT_NEAR(spectral_norm(constant_plaintext(n, t, 1)),
                        1 / std::sin(std::acos(-1.0) / (2 * static_cast<double>(n))),
                        1e-6 * static_cast<double>(n));
            const Plaintext weights = random_plaintext(n, t, random);
            const Norms norms(weights);
            EXPECT_GE(spectral_norm(weights), norms.two * (1 - 1e-9));
            EXPECT_LE(spectral_norm(weights), norms.one * (1 + 1e-9));
        }
    }
    EXPECT_EQ(spectral_norm(Plaintext(16, 3)), 0);
}

TEST(NoiseModel, PowersOfOneCiphertextStayBelowThePrediction) {
    // x (x (x x)): the same K at every product, whose powers have the longer tails the higher they are.
    const Scheme scheme(small_parameters(1024, std::vector<int>(5, 50), {50}, {4096}));
    const RelinKeys relin = scheme.generator.relin_keys(2);
    const NoiseModel model(resolve(small_parameters(1024, std::vector<int>(5, 50), {50}, {4096})), 12);
    const Ciphertext x = scheme.public_encryptor.encrypt(constant_plaintext(1024, 4096, 2048));
    Ciphertext power = x;
    NoiseEstimate estimate = model.fresh_public();
    for (int k = 2; k <= 5; ++k) {
        power = scheme.evaluator.relinearize(scheme.evaluator.multiply(power, x), relin);
        estimate = model.relinearize(model.multiply(estimate, model.fresh_public()));
        EXPECT_LE(model.budget(estimate), scheme.decryptor.noise_budget(power)) << "power " << k;
        EXPECT_GE(model.budget(estimate), scheme.decryptor.noise_budget(power) - 6 - 2 * k) << "power " << k;
    }
}

/// multiply, relinearise, multiply, relinearise over fresh key sets at real parameters: the prediction lies
/// above the largest noise, by at most 8 bits.
class NoiseTightness : public ::testing::TestWithParam<Parameters> {};

TEST_P(NoiseTightness, OnTheDepthTwoCircuitIsWithinEightBitsOfTheWorstOfManyKeySets) {
    const char* wanted = std::getenv("LACUNA_NOISE_KEYSETS");
    const int key_sets = wanted != nullptr ? std::atoi(wanted) : 25;
    const Context context(GetParam());
    const NoiseModel model(resolve(GetParam()), log_t_of(context));
    const std::size_t n = context.n();
    const std::uint64_t t = context.plain().modulus().value();
    std::mt19937_64 random(n);

    const auto step = [&](const NoiseEstimate& a) { return model.relinearize(model.multiply(a, a)); };
    const double predicted_public = model.budget(step(step(model.fresh_public())));
    const double predicted_symmetric = model.budget(step(step(model.fresh_symmetric())));
    ASSERT_GT(predicted_public, 0);
    double worst_product = std::numeric_limits<double>::infinity();
    double worst_square = worst_product;
    double worst_symmetric = worst_product;
    for (int i = 0; i < key_sets; ++i) {
        const KeyGenerator generator(context);
        const PublicKey public_key = generator.public_key();
        const RelinKeys relin = generator.relin_keys(2);
        const Encryptor by_public_key(context, public_key);
        const Encryptor by_secret_key(context, generator.secret_key());
        const Decryptor decryptor(context, generator.secret_key());
        const Evaluator evaluator(context);
        const auto product = [&](const Ciphertext& a, const Ciphertext& b) {
            return evaluator.relinearize(evaluator.multiply(a, b), relin);
        };
        const auto fresh = [&](const Encryptor& encryptor) {
            return encryptor.encrypt(i % 3 == 0 ? constant_plaintext(n, t, t / 2)
                                                : random_plaintext(n, t, random));
        };
        const Ciphertext first = product(fresh(by_public_key), fresh(by_public_key));
        const Ciphertext second = product(fresh(by_public_key), fresh(by_public_key));
        worst_product = std::min(worst_product, decryptor.noise_budget(product(first, second)));
        worst_square = std::min(worst_square, decryptor.noise_budget(product(first, first)));
        const Ciphertext third = product(fresh(by_secret_key), fresh(by_secret_key));
        worst_symmetric = std::min(worst_symmetric, decryptor.noise_budget(product(third, third)));
    }
    std::cout << "depth 2 at n = " << n << ", " << key_sets
              << " key sets: bits from prediction to largest noise: " << worst_product - predicted_public
              << " (products), " << worst_square - predicted_public << " (squares), "
              << worst_symmetric - predicted_symmetric << " (squares, symmetric encryption)\n";
    for (const double slack : {worst_product - predicted_public, worst_square - predicted_public,
                               worst_symmetric - predicted_symmetric}) {
        EXPECT_GE(slack, 0);
        EXPECT_LE(slack, 8);
    }
}

/// A layer of fresh ciphertexts, unscaled squares, a sum of them, and a scaled square: what the planner makes
/// of two activations. Messages that all pull one way would show in the square if the rounding of a message
/// depended on it.
TEST(NoiseTightnessUnscaled, TwoLayersAreWithinFourBitsOfTheWorstOfManyKeySets) {
    const char* wanted = std::getenv("LACUNA_NOISE_KEYSETS");
    const int key_sets = wanted != nullptr ? std::atoi(wanted) : 10;
    Parameters parameters;
    parameters.n = 8192;
    parameters.data_bits = {43, 43, 43, 42};
    parameters.special_bits = {43};
    parameters.plain_bits = {36};
    const Context context(parameters);
    const NoiseModel model(resolve(parameters), log_t_of(context));
    const std::uint64_t t = context.plain().modulus().value();
    std::mt19937_64 random(3);
    constexpr std::uint32_t inputs = 12;
    constexpr std::uint32_t hidden = 6;
    std::vector<std::vector<SparseTerm>> rows(hidden);
    for (std::uint32_t i = 0; i < hidden; ++i) {
        for (std::uint32_t j = 0; j < inputs; ++j) {  // two rows share half of their inputs
            if ((i + j) % 2 == 0) {
                rows[i].push_back({j, 0, (i * j) % 3 == 0 ? -2 : 1});
            }
        }
    }
    const SparseProduct layer(context.n(), inputs, rows);
    const SparseProduct sum(context.n(), hidden, {{{0, 0, 1}, {1, 0, -2}, {2, 0, 1}, {3, 0, 4}, {5, 0, 1}}});
    // Sums of squares are taken as correlated here.
    NoiseEstimate estimate = model.square_unscaled(model.linear(model.fresh_symmetric(), layer.norm_2()));
    estimate = model.relinearize(model.mod_switch_to(estimate, 3));
    const NoiseEstimate first = model.linear(estimate, sum.norm_1());
    const NoiseEstimate last = model.multiply(first, first);
    ASSERT_GT(model.budget(last), 0);
    double worst_first = std::numeric_limits<double>::infinity();
    double worst_last = worst_first;
    for (int i = 0; i < key_sets; ++i) {
        const KeyGenerator generator(context);
        const RelinKeys relin = generator.relin_keys(2);
        const Encryptor encryptor(context, generator.secret_key());
        const Decryptor decryptor(context, generator.secret_key());
        const Evaluator evaluator(context);
        std::vector<Ciphertext> values;
        for (std::uint32_t j = 0; j < inputs; ++j) {
            values.push_back(encryptor.encrypt(i % 2 == 0 ? constant_plaintext(context.n(), t, t / 2)
                                                          : random_plaintext(context.n(), t, random)));
        }
        layer.transform(context, values, 2);
        for (Ciphertext& value : values) {
            value = evaluator.relinearize(evaluator.square_unscaled(std::move(value), 1), relin);
        }
        sum.transform(context, values, 2);
        worst_first = std::min(worst_first, decryptor.noise_budget(values[0]));
        worst_last = std::min(worst_last, decryptor.noise_budget(evaluator.square(values[0])));
    }
    std::cout << "unscaled squares, " << key_sets
              << " key sets: bits from prediction to largest noise: " << worst_first - model.budget(first)
              << " (sum of squares), " << worst_last - model.budget(last) << " (square of that)\n";
    for (const double slack : {worst_first - model.budget(first), worst_last - model.budget(last)}) {
        EXPECT_GE(slack, 0);
        EXPECT_LE(slack, 4);
    }
}

Parameters secure_parameters(std::size_t n, std::vector<int> data, int special, std::uint64_t t) {
    Parameters parameters;
    parameters.n = n;
    parameters.data_bits = std::move(data);
    parameters.special_bits = {special};
    parameters.plain_moduli = {t};
    return parameters;
}

INSTANTIATE_TEST_SUITE_P(Secure, NoiseTightness,
                         ::testing::Values(secure_parameters(4096, {36, 36}, 34, 1 << 9),
                                           secure_parameters(8192, {50, 50, 50}, 50, 65537),
                                           secure_parameters(8192, {50, 50, 50}, 18, 65537)),
                         parameters_name);

}  // namespace
}  // namespace lacuna::testing
