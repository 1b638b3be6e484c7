// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/batch_encoder.h>

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

TEST(BatchEncoder, RoundTripsExtremesAndTakesValuesModuloT) {
    for (const auto& [n, t] : {std::pair<std::size_t, std::uint64_t>{16, 97},
                               {64, 257},
                               {1024, 12289},
                               {64, ntt_primes(64, 49, 1).front()},
                               {8192, 65537}}) {
        const Context context(small_parameters(n, {50, 50}, {}, {t}));
        const BatchEncoder encoder(context);
        ASSERT_EQ(encoder.slots(), n);
        const auto half = static_cast<std::int64_t>(t / 2);  // t is odd: slots hold -half ... half
        const auto whole = static_cast<std::int64_t>(t);
        const std::vector<std::int64_t> values = {0,
                                                  1,
                                                  -1,
                                                  half,
                                                  -half,
                                                  half + 1,
                                                  -half - 1,
                                                  whole,
                                                  -whole,
                                                  std::numeric_limits<std::int64_t>::max(),
                                                  std::numeric_limits<std::int64_t>::min()};
        const std::vector<std::int64_t> decoded = encoder.decode(encoder.encode(values));
        ASSERT_EQ(decoded.size(), n);
        for (std::size_t j = 0; j < n; ++j) {
            std::int64_t expected = j < values.size() ? values[j] % whole : 0;
            expected += expected > half ? -whole : expected < -half ? whole : 0;
            ASSERT_EQ(decoded[j], expected) << "t = " << t << ", slot " << j;
        }
        EXPECT_EQ(encoder.encode({}), Plaintext(n, t));
        std::vector<std::int64_t> full(n, half);
        Plaintext constant(n, t);  // the same value in every slot is a constant
        constant[0] = t / 2;
        EXPECT_EQ(encoder.encode(full), constant);
        full.push_back(0);
        EXPECT_THROW((void)encoder.encode(full), Error);
        EXPECT_THROW((void)encoder.decode(Plaintext(n / 2, t)), Error);
        EXPECT_THROW((void)encoder.decode(Plaintext(n, t + 1)), Error);
    }
}

TEST(BatchEncoder, SlotsAddAndMultiplyOneByOne) {
    std::mt19937_64 random(1);
    const std::size_t n = 64;
    const std::uint64_t t = 257;
    const Context context(small_parameters(n, {50}, {}, {t}));
    const BatchEncoder encoder(context);
    std::vector<std::int64_t> a(n);
    std::vector<std::int64_t> b(n);
    for (std::size_t j = 0; j < n; ++j) {
        a[j] = static_cast<std::int64_t>(random() % 257) - 128;
        b[j] = static_cast<std::int64_t>(random() % 257) - 128;
    }
    const std::vector<std::int64_t> product =
        encoder.decode(ring_multiply(encoder.encode(a), encoder.encode(b)));
    const Modulus modulus(t);
    for (std::size_t j = 0; j < n; ++j) {
        EXPECT_EQ(product[j], modulus.centre(modulus.reduce_signed(a[j] * b[j])));
    }
}

TEST(BatchEncoder, AutomorphismsTurnTheRowsAndSwapThem) {
    const std::size_t n = 32;
    const Context context(small_parameters(n, {50}, {}, {193}));
    const BatchEncoder encoder(context);
    std::vector<std::int64_t> values(n);
    for (std::size_t j = 0; j < n; ++j) {
        values[j] = static_cast<std::int64_t>(j);
    }
    const Plaintext encoded = encoder.encode(values);
    const int rows = static_cast<int>(n / 2);
    for (int step = 1 - rows; step < rows; ++step) {
        const std::vector<std::int64_t> rotated =
            encoder.decode(ring_automorphism(encoded, rotation_element(n, step)));
        for (std::size_t j = 0; j < n; ++j) {
            const std::size_t row = j / (n / 2) * (n / 2);
            const auto from = static_cast<std::size_t>((static_cast<int>(j % (n / 2)) + step + rows) % rows);
            ASSERT_EQ(rotated[j], values[row + from]) << "step " << step << ", slot " << j;
        }
    }
    const std::vector<std::int64_t> swapped = encoder.decode(ring_automorphism(encoded, row_swap_element(n)));
    for (std::size_t j = 0; j < n; ++j) {
        ASSERT_EQ(swapped[j], values[(j + n / 2) % n]);
    }
}

TEST(BatchEncoder, WorksOnTheModulusItWasGivenAndRefusesThoseThatDoNotBatch) {
    const Context context(small_parameters(64, {50}, {}, {257, 641, 256, 65, 97}));
    EXPECT_EQ(BatchEncoder(context, 1).encode(std::vector<std::int64_t>{5}).modulus(), 641u);
    EXPECT_THROW(BatchEncoder(context, 2), Error);  // even
    EXPECT_THROW(BatchEncoder(context, 3), Error);  // composite
    EXPECT_THROW(BatchEncoder(context, 4), Error);  // prime, but not 1 mod 128
    EXPECT_THROW(BatchEncoder(context, 5), Error);  // there is none
}

}  // namespace
}  // namespace lacuna::testing
