// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/secret_bound.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/rns/ring_operations.h>
#include "tests/support/scheme.h"
#include "tests/support/secrets.h"

namespace lacuna::testing {
namespace {

TEST(SecretBound, AcceptsMostSecretsAndNoneThatIsFarFromRandom) {
    std::mt19937_64 random(1);
    for (const std::size_t n : {16, 64, 1024, 4096}) {
        const SecretBound bound(n);
        constexpr int trials = 300;
        int accepted = 0;
        for (int i = 0; i < trials; ++i) {
            std::vector<std::int64_t> secret(n);
            for (std::int64_t& coefficient : secret) {
                coefficient = static_cast<std::int64_t>(random() % 3) - 1;
            }
            accepted += bound.accepts(secret) ? 1 : 0;
        }
        EXPECT_GT(accepted, trials * 7 / 10) << n;
        EXPECT_LT(accepted, trials) << n << ": a bound that nothing fails says little";
        // Every coefficient 1: |s| is 2n/pi at the root nearest to 1.
        EXPECT_FALSE(bound.accepts(std::vector<std::int64_t>(n, 1)) && n > 16) << n;
    }
}

TEST(SecretBound, BoundsWhatItSays) {
    std::mt19937_64 random(2);
    for (const std::size_t n : {32, 512, 4096}) {
        const SecretBound bound(n);
        for (int key = 0; key < 20; ++key) {
            const std::vector<double> weights = weights_of(accepted_secret(n, random));
            EXPECT_LE(*std::max_element(weights.begin(), weights.end()), bound.largest());
            for (std::size_t j = 0; j <= 60; ++j) {
                double mean = 0;
                for (const double u : weights) {
                    mean += std::pow(u, static_cast<double>(j)) / static_cast<double>(weights.size());
                }
                EXPECT_LE(std::log(mean), bound.log_moment(j) + 1e-9) << "n = " << n << ", j = " << j;
            }
        }
    }
}

TEST(SecretBound, HoldsForEveryKeyThatIsGenerated) {
    const Context context(small_parameters(64, {40}, {}, {257}));
    const SecretBound bound(64);
    int refused = 0;
    std::mt19937_64 random(3);
    for (int i = 0; i < 200; ++i) {
        const KeyGenerator generator(context);
        const RnsBasis& basis = context.ring().key_basis();
        RnsPolynomial s = generator.secret_key().s;
        to_coefficients(basis, s);
        std::vector<std::int64_t> secret(64);
        for (std::size_t j = 0; j < 64; ++j) {
            secret[j] = basis.modulus(0).centre(s.limb(0)[j]);
        }
        EXPECT_TRUE(bound.accepts(secret));
        std::vector<std::int64_t> any(64);
        for (std::int64_t& coefficient : any) {
            coefficient = static_cast<std::int64_t>(random() % 3) - 1;
        }
        refused += bound.accepts(any) ? 0 : 1;
    }
    EXPECT_GT(refused, 5) << "secrets that are not checked fail one time in seven";
}

}  // namespace
}  // namespace lacuna::testing
