// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/rotation_sum.h>

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/ntt/error.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

using Slots = std::vector<std::int64_t>;

TEST(RotationSum, AddsRotations) {
    Parameters parameters = small_parameters(1024, {45, 45}, {45}, {});
    parameters.plain_polynomials = {PlainModulus::binomial(128, 132)};
    const Scheme scheme(parameters);
    const BinomialEncoder encoder(scheme.context);
    Slots values(128);
    for (std::size_t j = 0; j < values.size(); ++j) {
        values[j] = static_cast<std::int64_t>(j * j);
    }
    const Ciphertext x = scheme.encryptor.encrypt(encoder.encode(values));
    const std::vector<int> steps = {16, 32, -16};
    const GaloisKeys keys = scheme.generator.galois_keys_for(
        rotation_elements(scheme.context.n(), scheme.context.plain().t(), steps));
    for (const int threads : {1, 2}) {
        const Slots sum = encoder.decode_words(
            scheme.decryptor.decrypt(add_rotations(scheme.context, x, steps, keys, threads)));
        for (std::size_t j = 0; j < sum.size(); ++j) {
            EXPECT_EQ(sum[j],
                      values[j] + values[(j + 16) % 128] + values[(j + 32) % 128] + values[(j + 112) % 128]);
        }
    }
    EXPECT_EQ(add_rotations(scheme.context, x, {}, keys), x);
    EXPECT_THROW((void)add_rotations(scheme.context, x, std::vector<int>{1}, keys), Error);    // no key
    EXPECT_THROW((void)add_rotations(scheme.context, x, std::vector<int>{128}, keys), Error);  // no rotation
}

}  // namespace
}  // namespace lacuna::testing
