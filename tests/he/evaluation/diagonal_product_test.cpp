// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/diagonal_product.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/ntt/error.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

using Slots = std::vector<std::int64_t>;

struct DiagonalSetting {
    const char* name;
    std::size_t n;
    std::size_t k;
    std::int64_t b;
    std::vector<int> data;
    std::vector<int> special;
    std::size_t digit_limbs;
    std::vector<RotatedInput> rotations;
    std::size_t inputs = 1;
    std::size_t outputs = 1;
};

/// Rotations by first ... last of one input.
std::vector<RotatedInput> range(int first, int last) {
    std::vector<RotatedInput> rotations;
    for (int s = first; s <= last; ++s) {
        rotations.push_back({0, 0, s});
    }
    return rotations;
}

/// Baby and giant steps, giant steps alone, none; a single baby step; gaps; several inputs and outputs, one
/// of them without anything; grouped digits; more babies than one dot product takes.
const std::vector<DiagonalSetting>& diagonal_settings() {
    static const std::vector<DiagonalSetting> all = {
        {"dense", 1024, 128, 132, {40, 40, 40}, {42}, 1, range(0, 19)},
        {"negative", 1024, 256, 272, {45, 45, 45}, {45}, 1, range(-9, 7)},
        {"no_rotation", 1024, 256, 272, {45, 45, 45}, {45}, 1, {{0, 0, 0}, {0, 1, 0}, {1, 1, 0}}, 2, 2},
        {"giants_alone", 1024, 256, 160, {40, 40, 40}, {40}, 1, {{0, 0, 0}, {0, 1, 100}, {0, 0, 100}}, 2},
        {"one_baby", 1024, 256, 160, {40, 40, 40}, {40}, 1, {{0, 0, 3}}},
        {"gaps",
         1024,
         256,
         160,
         {40, 40, 40},
         {40},
         1,
         {{0, 0, 0}, {0, 0, 1}, {0, 0, 10}, {0, 0, 11}, {0, 0, 100}, {0, 0, 101}, {0, 0, -100}, {0, 0, -89}}},
        {"many",
         1024,
         128,
         132,
         {45, 45, 45},
         {45},
         1,
         {{0, 0, 1}, {0, 1, 2}, {2, 0, 17}, {2, 1, 1}, {2, 1, 18}, {0, 0, 5}},
         2,
         3},
        {"grouped_digits", 1024, 128, 132, {40, 40, 40, 40}, {42, 42}, 2, range(0, 8)},
        {"wide_sum", 1024, 256, 160, {40, 40, 40}, {40}, 1, range(1, 70)},
    };
    return all;
}

class DiagonalProductTest : public ::testing::TestWithParam<std::size_t> {
  protected:
    DiagonalProductTest() : setting(diagonal_settings()[GetParam()]), random(GetParam() + 1) {
        Parameters parameters =
            small_parameters(setting.n, setting.data, setting.special, {}, setting.digit_limbs);
        parameters.plain_polynomials = {PlainModulus::binomial(setting.k, setting.b)};
        scheme.emplace(parameters);
        encoder.emplace(scheme->context);
        for (const RotatedInput& rotation : setting.rotations) {
            Diagonal& diagonal = diagonals.emplace_back();
            diagonal.rotation = rotation;
            diagonal.values = values(rotation.steps % 3 == 0 ? setting.k : setting.k / 2);
        }
        for (std::size_t i = 0; i < setting.inputs; ++i) {
            slots.push_back(values(setting.k));
            inputs.push_back(scheme->encryptor.encrypt(encoder->encode(slots.back())));
        }
    }

    Slots values(std::size_t count) {
        Slots result(count);
        std::uniform_int_distribution<int> uniform(-9, 9);
        std::ranges::generate(result, [&] { return uniform(random); });
        return result;
    }
    [[nodiscard]] GaloisKeys keys_for(const std::vector<int>& steps) const {
        return scheme->generator.galois_keys_for(
            rotation_elements(scheme->context.n(), scheme->context.plain().t(), steps));
    }
    [[nodiscard]] DiagonalProduct product(const RotationSchedule& schedule, std::size_t limbs) const {
        return {scheme->context, *encoder, setting.inputs, setting.outputs, limbs, diagonals, schedule, 2};
    }

    /// The twin on integers.
    [[nodiscard]] std::vector<Slots> expected() const {
        std::vector<Slots> sums(setting.outputs, Slots(setting.k));
        const auto k = static_cast<int>(setting.k);
        for (const Diagonal& diagonal : diagonals) {
            for (int j = 0; j < static_cast<int>(diagonal.values.size()); ++j) {
                const int from = ((j + diagonal.rotation.steps) % k + k) % k;
                sums[diagonal.rotation.output][j] +=
                    diagonal.values[j] * slots[diagonal.rotation.input][from];
            }
        }
        return sums;
    }
    /// The twin on ciphertexts: rotate, multiply, add.
    [[nodiscard]] std::vector<Ciphertext> twin(const std::vector<Ciphertext>& from) const {
        std::set<int> steps;
        for (const RotatedInput& rotation : setting.rotations) {
            steps.insert(rotation.steps);
        }
        steps.erase(0);
        const GaloisKeys keys = keys_for({steps.begin(), steps.end()});
        std::vector<Ciphertext> sums;
        for (std::size_t o = 0; o < setting.outputs; ++o) {
            sums.push_back(scheme->evaluator.subtract(from[0], from[0]));
        }
        for (const Diagonal& diagonal : diagonals) {
            const Ciphertext rotated =
                scheme->evaluator.rotate_rows(from[diagonal.rotation.input], diagonal.rotation.steps, keys);
            Ciphertext& sum = sums[diagonal.rotation.output];
            sum = scheme->evaluator.add(
                sum, scheme->evaluator.multiply_plain(rotated, encoder->encode(diagonal.values)));
        }
        return sums;
    }
    [[nodiscard]] Slots decrypted(const Ciphertext& ciphertext) const {
        return encoder->decode_words(scheme->decryptor.decrypt(ciphertext));
    }

    const DiagonalSetting& setting;
    std::mt19937_64 random;
    std::optional<Scheme> scheme;
    std::optional<BinomialEncoder> encoder;
    std::vector<Diagonal> diagonals;
    std::vector<Slots> slots;
    std::vector<Ciphertext> inputs;
};

TEST_P(DiagonalProductTest, EqualsItsTwins) {
    const std::vector<Slots> sums = expected();
    for (const std::size_t limbs : {scheme->context.ring().max_limbs(), std::size_t{2}}) {
        std::vector<Ciphertext> from;
        for (const Ciphertext& input : inputs) {
            from.push_back(scheme->evaluator.mod_switch_to(input, limbs));
        }
        const std::vector<Ciphertext> plain = twin(from);
        const RotationSchedule schedule = schedule_rotations(setting.rotations, setting.k);
        const DiagonalProduct fast = product(schedule, limbs);
        const std::vector<Ciphertext> found =
            fast.apply(scheme->context, from, keys_for(schedule.steps()), 1);
        EXPECT_EQ(fast.apply(scheme->context, from, keys_for(schedule.steps()), 3).size(), setting.outputs);
        for (std::size_t o = 0; o < setting.outputs; ++o) {
            EXPECT_EQ(decrypted(plain[o]), sums[o]);
            EXPECT_EQ(decrypted(found[o]), sums[o]);
            EXPECT_GT(scheme->decryptor.noise_budget(found[o]), scheme->decryptor.noise_budget(plain[o]) - 3)
                << "shared rotations are no noisier than rotations one by one";
        }
    }
}

TEST_P(DiagonalProductTest, DependsOnNoSplitOrThreadCount) {
    const std::vector<Slots> sums = expected();
    for (const double cost : {0.01, 1000.0}) {  // giants alone, babies alone
        const RotationSchedule schedule = schedule_rotations(setting.rotations, setting.k, cost);
        const DiagonalProduct fast = product(schedule, scheme->context.ring().max_limbs());
        const GaloisKeys keys = keys_for(schedule.steps());
        const std::vector<Ciphertext> one = fast.apply(scheme->context, inputs, keys, 1);
        EXPECT_EQ(fast.apply(scheme->context, inputs, keys, 4), one);
        for (std::size_t o = 0; o < setting.outputs; ++o) {
            EXPECT_EQ(decrypted(one[o]), sums[o]);
        }
    }
}

/// Parts by giant steps, added up before they are divided, are the whole to the last bit. An output that
/// nothing turns is in one part.
TEST_P(DiagonalProductTest, PartsAddUpToIt) {
    const std::size_t limbs = scheme->context.ring().max_limbs();
    for (const double cost : {0.01, 2.2, 1000.0}) {
        const RotationSchedule schedule = schedule_rotations(setting.rotations, setting.k, cost);
        const GaloisKeys keys = keys_for(schedule.steps());
        std::set<std::size_t> turned;
        for (const RotationSchedule::Term& term : schedule.terms) {
            if (schedule.babies > 0 || term.giant != 0) {
                turned.insert(term.output);
            }
        }
        std::vector<std::vector<bool>> wanted(2, std::vector<bool>(diagonals.size()));
        for (std::size_t d = 0; d < diagonals.size(); ++d) {
            const RotationSchedule::Term& term = schedule.terms[d];
            const bool second = turned.contains(term.output) && (term.giant + term.output) % 2 == 1;
            wanted[second ? 1 : 0][d] = true;
        }
        std::vector<std::size_t> outputs(setting.outputs);
        std::iota(outputs.begin(), outputs.end(), std::size_t{0});
        const std::vector<std::size_t> sent(turned.begin(), turned.end());
        const auto part = [&](std::size_t i) {
            return DiagonalProduct(scheme->context, *encoder, setting.inputs, setting.outputs, limbs,
                                   diagonals, schedule, wanted[i], 1);
        };
        const DiagonalProduct first = part(0);
        std::vector<Ciphertext> sums = first.partial_sums(scheme->context, inputs, outputs, keys, 2);
        const std::vector<Ciphertext> others = part(1).partial_sums(scheme->context, inputs, sent, keys, 1);
        for (std::size_t i = 0; i < sent.size(); ++i) {
            add_partial_sum(scheme->context, sums[sent[i]], others[i]);
        }
        const std::vector<Ciphertext> whole =
            product(schedule, limbs).apply(scheme->context, inputs, keys, 1);
        for (std::size_t o = 0; o < setting.outputs; ++o) {
            EXPECT_EQ(first.divide(scheme->context, sums[o], o, 2), whole[o]) << cost << ", output " << o;
        }
        EXPECT_THROW((void)first.divide(scheme->context, whole[0], 0), Error) << "divided already";
        EXPECT_THROW(add_partial_sum(scheme->context, sums[0], whole[0]), Error);
    }
}

/// Giant steps one after the other: the same sums, from fewer keys, with no more noise than the proof counts.
TEST_P(DiagonalProductTest, ChainsItsGiantSteps) {
    const std::vector<Slots> sums = expected();
    for (const int width : {1, 3, 16}) {
        const RotationSchedule schedule = schedule_at(setting.rotations, setting.k, width, true);
        const RotationSchedule apart = schedule_at(setting.rotations, setting.k, width);
        EXPECT_LE(schedule.steps().size(), apart.steps().size() + setting.outputs);
        for (const std::size_t limbs : {scheme->context.ring().max_limbs(), std::size_t{2}}) {
            std::vector<Ciphertext> from;
            for (const Ciphertext& input : inputs) {
                from.push_back(scheme->evaluator.mod_switch_to(input, limbs));
            }
            const DiagonalProduct fast = product(schedule, limbs);
            const GaloisKeys keys = keys_for(schedule.steps());
            const std::vector<Ciphertext> found = fast.apply(scheme->context, from, keys, 1);
            EXPECT_EQ(fast.apply(scheme->context, from, keys, 3), found);
            const std::vector<Ciphertext> twin =
                product(apart, limbs).apply(scheme->context, from, keys_for(apart.steps()), 1);
            for (std::size_t o = 0; o < setting.outputs; ++o) {
                EXPECT_EQ(decrypted(found[o]), sums[o]);
                EXPECT_GT(scheme->decryptor.noise_budget(found[o]),
                          scheme->decryptor.noise_budget(twin[o]) - 3);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Settings, DiagonalProductTest,
                         ::testing::Range(std::size_t{0}, diagonal_settings().size()),
                         [](const auto& info) { return std::string(diagonal_settings()[info.param].name); });

TEST(RotationSchedule, SharesWhatItCan) {
    const RotationSchedule dense = schedule_rotations(range(0, 135), 1024);
    EXPECT_LE(static_cast<double>(dense.babies) + giant_step_cost * static_cast<double>(dense.giants), 45);
    EXPECT_EQ(dense.terms.size(), 136U);
    EXPECT_EQ(schedule_rotations(std::vector<RotatedInput>{{0, 0, 0}}, 16).steps(), std::vector<int>{});
    // Ten maps of a hundred slots, four taps: three babies, the rest giants.
    std::vector<RotatedInput> taps;
    for (int map = -9; map <= 8; ++map) {
        for (const int shift : {0, 1, 10, 11}) {
            taps.push_back({0, 0, 100 * map + shift});
        }
    }
    const RotationSchedule convolution = schedule_rotations(taps, 1024, 1.0);
    EXPECT_LE(convolution.babies + convolution.giants, 20U);
    for (std::size_t i = 0; i < taps.size(); ++i) {
        const RotationSchedule::Term& term = convolution.terms[i];
        EXPECT_EQ((term.giant + term.baby - taps[i].steps) % 1024, 0) << i;
    }
}

TEST(RotationSchedule, ChainsNeedAKeyForEveryDistance) {
    const RotationSchedule chained = schedule_chained(range(0, 135), 1024);
    EXPECT_TRUE(chained.chained);
    // Babies 1 ... width - 1, and one giant step that is taken again and again.
    EXPECT_EQ(chained.steps().size(), static_cast<std::size_t>(chained.width));
    EXPECT_EQ(chained.steps().back(), chained.width);
    EXPECT_LT(chained.steps().size(), schedule_rotations(range(0, 135), 1024).steps().size());
    EXPECT_EQ(giants_of(schedule_at(range(0, 9), 1024, 4, true), 0), (std::vector<int>{8, 4, 0}));
    EXPECT_EQ(giants_of(schedule_at(range(5, 9), 1024, 4, true), 0), (std::vector<int>{8, 4}));
    EXPECT_EQ(schedule_at(range(5, 9), 1024, 4, true).steps(), (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(schedule_chained(std::vector<RotatedInput>{{0, 0, 0}}, 16).steps(), std::vector<int>{});
}

TEST(DiagonalProduct, RefusesWhatDoesNotFit) {
    Parameters parameters = small_parameters(1024, {45, 45}, {45}, {});
    parameters.plain_polynomials = {PlainModulus::binomial(128, 132)};
    const Scheme scheme(parameters);
    const BinomialEncoder encoder(scheme.context);
    std::vector<Diagonal> diagonals = {{{0, 0, 1}, {1, 2, 3}}};
    const RotationSchedule schedule =
        schedule_rotations(std::vector<RotatedInput>{diagonals[0].rotation}, encoder.slots());
    const DiagonalProduct product(scheme.context, encoder, 1, 1, 2, diagonals, schedule);
    EXPECT_EQ(product.bytes(), 3U * 1024 * 8) << "a diagonal modulo two data primes and the special one";
    const std::vector<Ciphertext> x = {scheme.encryptor.encrypt(encoder.encode(Slots{1, 2, 3}))};
    const GaloisKeys none = scheme.generator.galois_keys_for(
        rotation_elements(scheme.context.n(), scheme.context.plain().t(), std::vector<int>{2}));
    EXPECT_THROW((void)product.apply(scheme.context, x, none), Error);
    const GaloisKeys keys = scheme.generator.galois_keys_for(
        rotation_elements(scheme.context.n(), scheme.context.plain().t(), schedule.steps()));
    EXPECT_THROW((void)product.apply(scheme.context, std::vector<Ciphertext>{}, keys), Error);
    const std::vector<Ciphertext> low = {scheme.evaluator.mod_switch_to(x[0], 1)};
    EXPECT_THROW((void)product.apply(scheme.context, low, keys), Error);
    diagonals[0].rotation.output = 1;
    EXPECT_THROW(DiagonalProduct(scheme.context, encoder, 1, 1, 2, diagonals, schedule), Error);
    diagonals[0] = {{0, 0, 1}, Slots(129)};
    EXPECT_THROW(DiagonalProduct(scheme.context, encoder, 1, 1, 2, diagonals, schedule), Error);
    EXPECT_THROW(DiagonalProduct(scheme.context, encoder, 1, 1, 2, {}, schedule), Error);
}

}  // namespace
}  // namespace lacuna::testing
