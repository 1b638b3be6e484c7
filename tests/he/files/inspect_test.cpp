// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/inspect.h>

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/serialize.h>
#include "tests/support/golden.h"
#include "tests/support/places.h"
#include "tests/support/serialization.h"

namespace lacuna::testing {
namespace {

FileDescription described(const char* name) {
    Source source(test::golden_folder() / name);
    return inspect(source);
}

TEST(Inspect, SaysWhatFilesHold) {
    EXPECT_EQ(described("parameters.lct").parameters, resolve(golden_parameters()));
    const FileDescription keys = described("evaluation.keys");
    EXPECT_TRUE(keys.has_public_key);
    EXPECT_TRUE(keys.has_relin_keys);
    EXPECT_EQ(keys.galois_elements, 3U);
    EXPECT_EQ(keys.key_limbs, 5U);
    EXPECT_EQ(keys.key_digits, 2U);
    EXPECT_TRUE(described("public.key").has_public_key);
    EXPECT_FALSE(described("relin.keys").has_public_key);
    EXPECT_EQ(described("galois.keys").galois_elements, 3U);
    const FileDescription squared = described("squared.lct");
    EXPECT_EQ(squared.parts, 3U);
    EXPECT_EQ(squared.most_limbs, 3U);
    EXPECT_EQ(squared.plain_moduli, std::vector<std::uint64_t>{97});
    const FileDescription some = described("reduced_some.lct");
    EXPECT_EQ(some.c0_bits, 19);
    EXPECT_EQ(some.c1_bits, 23);
    EXPECT_EQ(some.coefficients, 4U);
    EXPECT_EQ(described("reduced.lct").coefficients, 16U);
    const FileDescription batch = described("batch_seeded.lct");
    EXPECT_EQ(batch.item, Kind::seeded_ciphertext);
    EXPECT_EQ(batch.ciphertexts, 3U);
    EXPECT_EQ(batch.least_limbs, 3U);
    EXPECT_EQ(batch.layout_bytes, 5U);
    EXPECT_EQ(described("batch.lct").most_limbs, 1U);
    EXPECT_EQ(described("secret.key").ciphertexts, 0U);
    EXPECT_EQ(described("parameters_2.lct").parameters, resolve(golden_binomial_parameters()));
    const std::vector<PlainModulus> polynomial = {PlainModulus::binomial(4, -160)};
    EXPECT_EQ(described("batch_2.lct").plain_polynomials, polynomial);
    EXPECT_EQ(described("plaintext_2.lct").plain_polynomials, polynomial);
}

/// It follows no length that the file states beyond what is there, and sees every flipped bit.
TEST(Inspect, RefusesDamage) {
    const GoldenObjects golden;
    const Bytes whole = saved(golden.ring, golden.ciphertext());
    for (std::size_t size = 0; size < whole.size(); size += size < 64 ? 1 : 37) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        Source source(cut, "memory");
        EXPECT_THROW((void)inspect(source), Error) << size;
    }
    for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 101) {
        Bytes flipped = whole;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        Source source(flipped, "memory");
        EXPECT_THROW((void)inspect(source), Error) << bit;
    }
}

}  // namespace
}  // namespace lacuna::testing
