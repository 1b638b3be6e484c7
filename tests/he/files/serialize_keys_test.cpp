// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/serialize.h>

#include <array>
#include <sstream>

#include <gtest/gtest.h>

#include <lacuna/he/rlwe/key_match.h>
#include <lacuna/he/rlwe/key_switch.h>
#include "tests/he/files/serialize_fixture.h"

namespace lacuna::testing {
namespace {

void expect_equal(const KeySwitchKey& a, const KeySwitchKey& b) {
    EXPECT_EQ(a.seed, b.seed);
    ASSERT_EQ(a.digits.size(), b.digits.size());
    for (std::size_t d = 0; d < a.digits.size(); ++d) {
        EXPECT_EQ(a.digits[d].b, b.digits[d].b);
        EXPECT_EQ(a.digits[d].a, b.digits[d].a);
    }
}

void expect_equal(const GaloisKeys& a, const GaloisKeys& b) {
    EXPECT_EQ(a.ring, b.ring);
    ASSERT_EQ(a.entries.size(), b.entries.size());
    for (const auto& [element, entry] : a.entries) {
        ASSERT_TRUE(b.entries.contains(element));
        expect_equal(entry.key, b.entries.at(element).key);
        EXPECT_EQ(b.entries.at(element).automorphism.element(), element);
    }
}

void expect_equal(const PublicKey& a, const PublicKey& b) {
    EXPECT_EQ(a.ring, b.ring);
    EXPECT_EQ(a.seed, b.seed);
    EXPECT_EQ(a.b, b.b);
    EXPECT_EQ(a.a, b.a);
}

class SerializeKeys : public SerializeTest {};

INSTANTIATE_TEST_SUITE_P(Settings, SerializeKeys, serialize_settings(), parameters_name);

TEST_P(SerializeKeys, SecretKeyComesBackAtTwoBitsACoefficient) {
    const Bytes bytes = saved(ring, scheme.generator.secret_key());
    EXPECT_EQ(bytes.size(), secret_key_bytes(ring));
    EXPECT_EQ(bytes.size(), record_overhead_bytes + ring.n() / 4);
    const SecretKey key = loaded(bytes, [&](Source& source) { return load_secret_key(source, ring); });
    EXPECT_EQ(key.ring, ring.hash());
    EXPECT_EQ(key.s, scheme.generator.secret_key().s);
}

TEST_P(SerializeKeys, KeysComeBackWithTheirExpandedHalves) {
    const Bytes bytes = saved(ring, scheme.public_key);
    EXPECT_EQ(bytes.size(), public_key_bytes(ring));
    expect_equal(scheme.public_key,
                 loaded(bytes, [&](Source& source) { return load_public_key(source, ring); }));
    if (ring.special().size() == 0) {
        return;
    }
    EvaluationKeys keys;
    keys.ring = ring.hash();
    keys.relin_keys = scheme.generator.relin_keys();
    const std::array steps = {1, 3, -1};
    keys.galois_keys = scheme.generator.galois_keys(steps, true);
    const Bytes relin_bytes = saved(ring, *keys.relin_keys);
    EXPECT_EQ(relin_bytes.size(), relin_keys_bytes(ring));
    expect_equal(keys.relin_keys->key,
                 loaded(relin_bytes, [&](Source& source) { return load_relin_keys(source, ring); }).key);
    const Bytes galois_bytes = saved(ring, keys.galois_keys);
    EXPECT_EQ(galois_bytes.size(), galois_keys_bytes(ring, 4));
    expect_equal(keys.galois_keys,
                 loaded(galois_bytes, [&](Source& source) { return load_galois_keys(source, ring); }));
    for (const bool has_public : {false, true}) {
        if (has_public) {
            keys.public_key = scheme.public_key;
        }
        const Bytes all_bytes = saved(ring, keys);
        EXPECT_EQ(all_bytes.size(), evaluation_keys_bytes(ring, has_public, true, 4));
        const EvaluationKeys all =
            loaded(all_bytes, [&](Source& source) { return load_evaluation_keys(source, ring); });
        EXPECT_EQ(all.ring, ring.hash());
        ASSERT_EQ(all.public_key.has_value(), has_public);
        if (has_public) {
            expect_equal(scheme.public_key, *all.public_key);
        }
        ASSERT_TRUE(all.relin_keys);
        expect_equal(keys.relin_keys->key, all.relin_keys->key);
        expect_equal(keys.galois_keys, all.galois_keys);
    }
}

class KeysRefusal : public RefusalTest {};

/// A key for ciphertexts of fewer limbs: version 2, as long as its digits and primes.
TEST_F(KeysRefusal, ShortKeysComeBackAndLieInNothing) {
    const KeyGenerator generator(context.shared_ring(), golden.secret_key());
    const std::array<std::uint32_t, 3> elements = {3, 9, 31};
    const std::array<std::size_t, 3> limbs = {1, ring.max_limbs(), 2};
    const GaloisKeys keys = generator.galois_keys_for(elements, 1, limbs);
    const Bytes bytes = saved(ring, keys);
    EXPECT_EQ(bytes.size(), galois_keys_bytes(ring, limbs));
    EXPECT_LT(bytes.size(), galois_keys_bytes(ring, 3));
    const auto load = [this](Source& source) { (void)load_galois_keys(source, ring); };
    std::size_t i = 0;
    const GaloisKeys back = loaded(bytes, [&](Source& source) { return load_galois_keys(source, ring); });
    expect_equal(back, keys);
    for (const auto& [element, entry] : back.entries) {
        EXPECT_EQ(key_limbs(ring, entry.key), limbs[i]);
        EXPECT_EQ(entry.key.digits.size(), ring.digits(limbs[i++]));
    }
    EvaluationKeys all;
    all.ring = ring.hash();
    all.galois_keys = keys;
    EXPECT_EQ(saved(ring, all).size(), evaluation_keys_bytes(ring, all));
    EXPECT_TRUE(matches(ring, golden.secret_key(), all));
    // Where all of them are whole there is no such list.
    expect_error(loading(with(bytes, 48, 0), load), {"limbs from 1 to", "found 0"});
    expect_error(loading(with(bytes, 48, static_cast<std::uint8_t>(ring.max_limbs() + 1)), load),
                 {"limbs from 1 to"});
    expect_error(loading(with(bytes, 48, 2), load), {"bytes of body"});
    EXPECT_THROW((void)generator.galois_keys_for(elements, 1, std::array<std::size_t, 3>{0, 1, 1}), Error);
    EXPECT_THROW((void)generator.galois_keys_for(elements, 1, std::array<std::size_t, 2>{1, 1}), Error);
    EXPECT_THROW(
        (void)generator.galois_keys_for(elements, 1, std::array<std::size_t, 3>{1, 1, ring.max_limbs() + 1}),
        Error);
}

TEST_F(KeysRefusal, SecretsThatAreNotTernary) {
    const auto load = [this](Source& source) { (void)load_secret_key(source, ring); };
    expect_error(loading(with(saved(ring, golden.secret_key()), 41, 0xc0), load),
                 {"word of s below 3", "a larger one"});
}

TEST_F(KeysRefusal, GaloisElementsThatDoNotRise) {
    const KeyGenerator generator(context.shared_ring(), golden.secret_key());
    const std::array<std::uint32_t, 2> elements = {3, 31};
    const Bytes bytes = saved(ring, generator.galois_keys_for(elements));
    const auto load = [this](Source& source) { (void)load_galois_keys(source, ring); };
    const std::size_t stride = (bytes.size() - record_overhead_bytes - 8) / 2;
    EXPECT_NO_THROW(loading(with(bytes, 48, 5), load)());
    expect_error(loading(with(bytes, 48, 4), load), {"an odd Galois element, found 4"});
    expect_error(loading(with(bytes, 48, 1), load), {"from 3 to 31, found 1"});
    expect_error(loading(with(bytes, 48 + stride, 3), load), {"from 5 to 31, found 3"});
    expect_error(loading(with(bytes, 48 + stride, 33), load), {"from 5 to 31, found 33"});
    expect_error(loading(with(bytes, 44, 3), load), {"bytes of body"});
    expect_error(loading(with(bytes, 44, 16), load), {"Galois elements from 0 to 15, found 16"});
    expect_error(loading(with(bytes, 40, 3), load), {"digits of 2, found 3"});
    expect_error(loading(with(bytes, 41, 4), load), {"limbs of 5, found 4"});
}

TEST_F(KeysRefusal, KeySwitchingWithoutSpecialPrimes) {
    const Context plain(small_parameters(16, {50, 50}, {}, {97}));
    RecordHeader header{Kind::relin_keys, file_format_version,
                        relin_keys_bytes(plain.ring()) - record_overhead_bytes, plain.ring().hash(), 16};
    std::ostringstream stream;
    RecordWriter writer(stream, header);
    writer.u8(2);
    writer.u8(2);
    writer.zeros(header.body_bytes - 2);
    writer.finish();
    expect_error(
        loading(bytes_of(stream), [&](Source& source) { (void)load_relin_keys(source, plain.ring()); }),
        {"no special primes"});
}

}  // namespace
}  // namespace lacuna::testing
