// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/reduced_ciphertext.h>

#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/ring_operations.h>
#include "tests/support/golden.h"
#include "tests/support/scheme.h"
#include "tests/support/serialization.h"

namespace lacuna::testing {
namespace {

TEST(ReducedCiphertext, RoundingStaysWithinItsBound) {
    const GoldenObjects golden;
    const Ciphertext exact = golden.one_limb();
    const Modulus& q = golden.ring.data().modulus(0);
    for (int bits = 1; bits <= q.bits(); ++bits) {
        const Ciphertext restored = restore(golden.ring, reduce(golden.ring, exact, {bits, bits, {}}));
        const double step = std::ldexp(static_cast<double>(q.value()), -bits);
        for (std::size_t part = 0; part < 2; ++part) {
            for (std::size_t i = 0; i < exact.n(); ++i) {
                const std::uint64_t restored_word = restored.parts[part].limb(0)[i];
                ASSERT_LT(restored_word, q.value());
                const auto moved =
                    std::abs(q.centre(q.subtract(restored_word, exact.parts[part].limb(0)[i])));
                ASSERT_LE(static_cast<double>(moved), bits == q.bits() ? 0.0 : step / 2 + 0.5);
            }
        }
    }
}

/// c_0 + c_1 s modulo q_0, in coefficient form.
RnsPolynomial phase(const Ring& ring, const Ciphertext& ciphertext, const SecretKey& key) {
    RnsPolynomial product = ciphertext.parts[1];
    to_ntt(ring.data(), product);
    multiply(ring.data(), product, key.s.first_limbs(1), product);
    to_coefficients(ring.data(), product);
    add(ring.data(), product, ciphertext.parts[0], product);
    return product;
}

TEST(ReducedCiphertext, NoiseIsAsPredicted) {
    Scheme scheme(small_parameters(1024, {50, 50}, {}, {65537}));
    const Ring& ring = scheme.context.ring();
    const Modulus& q = ring.data().modulus(0);
    std::mt19937_64 random(5);
    for (const auto& [c0_bits, c1_bits] : {std::pair{30, 36}, std::pair{24, 50}, std::pair{50, 31}}) {
        const ReductionNoise noise = reduction_noise(ring.n(), q.value(), c0_bits, c1_bits);
        double sum = 0;
        constexpr int trials = 20;
        for (int trial = 0; trial < trials; ++trial) {
            const Plaintext message = random_plaintext(ring.n(), 65537, random);
            const Ciphertext exact = scheme.evaluator.mod_switch_to(scheme.encryptor.encrypt(message), 1);
            const Ciphertext restored = restore(ring, reduce(ring, exact, {c0_bits, c1_bits, {}}));
            RnsPolynomial difference = phase(ring, restored, scheme.generator.secret_key());
            subtract(ring.data(), difference, phase(ring, exact, scheme.generator.secret_key()), difference);
            for (const std::uint64_t word : difference.limb_span(0)) {
                const auto error = static_cast<double>(q.centre(word));
                ASSERT_LE(std::abs(error), noise.largest);
                ASSERT_LE(std::abs(error), 14.5 * noise.deviation);
                sum += error * error;
            }
        }
        const double measured = std::sqrt(sum / (trials * static_cast<double>(ring.n())));
        EXPECT_GT(measured, 0.9 * noise.deviation) << c0_bits << " and " << c1_bits << " bits";
        EXPECT_LT(measured, 1.1 * noise.deviation) << c0_bits << " and " << c1_bits << " bits";
    }
}

TEST(ReducedCiphertext, SmallestReductionFitsTheRoomAndDecrypts) {
    Scheme scheme(small_parameters(1024, {50, 50}, {}, {65537}));
    const Ring& ring = scheme.context.ring();
    const std::uint64_t q = ring.data().modulus(0).value();
    std::mt19937_64 random(6);
    const Plaintext message = random_plaintext(ring.n(), 65537, random);
    const Ciphertext exact = scheme.evaluator.mod_switch_to(scheme.encryptor.encrypt(message), 1);
    // A quarter of the room below q / 2t at 14.5 deviations, the rest for the noise that is there.
    const double room = static_cast<double>(q) / (2 * 65537.0) / 4 / 14.5;
    for (const std::vector<std::uint32_t>& coefficients :
         {std::vector<std::uint32_t>{}, std::vector<std::uint32_t>{0, 7, 1023}}) {
        const Reduction reduction = smallest_reduction(ring.n(), q, room, coefficients);
        EXPECT_LE(reduction_noise(ring.n(), q, reduction.c0_bits, reduction.c1_bits).deviation, room);
        EXPECT_EQ(reduction.coefficients, coefficients);
        EXPECT_LT(reduction.c0_bits + reduction.c1_bits, coefficients.empty() ? 60 : 80);
        const Plaintext found = scheme.decryptor.decrypt(restore(ring, reduce(ring, exact, reduction)));
        if (coefficients.empty()) {
            EXPECT_EQ(found, message);
        }
        for (const std::uint32_t i : coefficients) {
            EXPECT_EQ(found[i], message[i]);
        }
    }
    const Reduction nothing = smallest_reduction(ring.n(), q, 0);
    EXPECT_EQ(nothing.c0_bits, 50);
    EXPECT_EQ(nothing.c1_bits, 50);
}

TEST(ReducedCiphertext, IllegalReductionsAreRefused) {
    const GoldenObjects golden;
    const Ciphertext exact = golden.one_limb();
    const auto attempt = [&](const Ciphertext& ciphertext, const Reduction& reduction) {
        return [&golden, &ciphertext, reduction] { (void)reduce(golden.ring, ciphertext, reduction); };
    };
    expect_error(attempt(exact, {0, 20, {}}), {"c0 of 1 ... 50 bits", "found 0"});
    expect_error(attempt(exact, {20, 51, {}}), {"c1 of 1 ... 50 bits", "found 51"});
    expect_error(attempt(exact, {20, 20, {3, 3}}), {"strictly rising", "3 before 3"});
    expect_error(attempt(exact, {20, 20, {3, 16}}), {"below n = 16", "found 16"});
    const Ciphertext top = golden.ciphertext();
    expect_error(attempt(top, {20, 20, {}}), {"one limb", "3 limbs"});
    Ciphertext foreign = exact;
    foreign.ring[0] ^= 1;
    expect_error(attempt(foreign, {20, 20, {}}), {"of this ring"});
}

/// Parts are public, so they may differ: nothing is read beyond any of them.
TEST(ReducedCiphertext, EveryPartHasToBeWhole) {
    const Scheme scheme(small_parameters(64, {40}, {}, {257}));
    const Ring& ring = scheme.context.ring();
    const Ciphertext whole = scheme.encryptor.encrypt(constant_plaintext(64, 257, 3));
    const Reduction reduction{20, 25, {}};
    EXPECT_NO_THROW((void)reduce(ring, whole, reduction));
    for (const std::size_t part : {0, 1}) {
        for (const RnsPolynomial& other :
             {RnsPolynomial(16, 1, Form::coefficient), RnsPolynomial(128, 1, Form::coefficient),
              RnsPolynomial(64, 2, Form::coefficient), RnsPolynomial(64, 1, Form::ntt), RnsPolynomial()}) {
            Ciphertext mixed = whole;
            mixed.parts[part] = other;
            EXPECT_THROW((void)reduce(ring, mixed, reduction), Error);
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
