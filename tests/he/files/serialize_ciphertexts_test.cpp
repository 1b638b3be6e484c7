// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/serialize.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/bit_packing.h>
#include "tests/he/files/serialize_fixture.h"

namespace lacuna::testing {
namespace {

class SerializeCiphertexts : public SerializeTest {};

INSTANTIATE_TEST_SUITE_P(Settings, SerializeCiphertexts, serialize_settings(), parameters_name);

TEST_P(SerializeCiphertexts, PlaintextsComeBack) {
    EXPECT_EQ(loaded(saved(ring, message), [&](Source& source) { return load_plaintext(source, context); }),
              message);
}

TEST_P(SerializeCiphertexts, CiphertextsComeBackAtEveryLevelSizeAndForm) {
    const auto load = [&](Source& source) { return load_ciphertext(source, context); };
    const Ciphertext top = scheme.public_encryptor.encrypt(message);
    for (std::size_t limbs = ring.max_limbs(); limbs >= 1; --limbs) {
        const Ciphertext two = scheme.evaluator.mod_switch_to(top, limbs);
        const Ciphertext three = scheme.evaluator.square(two);
        for (const Ciphertext& ciphertext :
             {two, three, scheme.evaluator.to_ntt(two), scheme.evaluator.to_ntt(three)}) {
            const Bytes bytes = saved(ring, ciphertext);
            EXPECT_EQ(bytes.size(), ciphertext_bytes(ring, ciphertext.size(), limbs));
            EXPECT_EQ(loaded(bytes, load), ciphertext);
        }
    }
}

TEST_P(SerializeCiphertexts, SeededCiphertextsComeBackHalfTheSize) {
    const SeededCiphertext seeded = scheme.encryptor.encrypt_seeded(message);
    const Bytes bytes = saved(ring, seeded);
    EXPECT_EQ(bytes.size(), seeded_ciphertext_bytes(ring, ring.max_limbs()));
    EXPECT_EQ(loaded(bytes, [&](Source& source) { return load_seeded_ciphertext(source, context); }), seeded);
    const Ciphertext expanded =
        loaded(bytes, [&](Source& source) { return load_ciphertext(source, context); });
    EXPECT_EQ(expanded, expand(ring, seeded));
    EXPECT_EQ(scheme.decryptor.decrypt(expanded), message);
}

TEST_P(SerializeCiphertexts, ReducedCiphertextsComeBack) {
    const Ciphertext one_limb = scheme.evaluator.mod_switch_to(scheme.encryptor.encrypt(message), 1);
    const int most = bits_below(ring.data().modulus(0).value());
    for (const Reduction& reduction :
         {Reduction{most, most, {}}, Reduction{20, 25, {}}, Reduction{1, 1, {0}},
          Reduction{17, most, {1, 5, 6, static_cast<std::uint32_t>(ring.n()) - 1}}}) {
        const ReducedCiphertext reduced = reduce(ring, one_limb, reduction);
        const Bytes bytes = saved(ring, reduced);
        EXPECT_EQ(bytes.size(), reduced_ciphertext_bytes(ring, reduction));
        EXPECT_EQ(loaded(bytes, [&](Source& source) { return load_reduced_ciphertext(source, context); }),
                  reduced);
        const Ciphertext restored =
            loaded(bytes, [&](Source& source) { return load_ciphertext(source, context); });
        EXPECT_EQ(restored, restore(ring, reduced));
        if (reduction == Reduction{most, most, {}}) {
            EXPECT_EQ(restored, one_limb) << "keeping every bit loses nothing";
        }
    }
}

class CiphertextsRefusal : public RefusalTest {};

TEST_F(CiphertextsRefusal, OtherPlaintextModuli) {
    Parameters parameters = golden_parameters();
    parameters.plain_moduli = {65537, 257};
    const Context other(parameters);
    expect_error(loading(ciphertext, [&](Source& source) { (void)load_ciphertext(source, other); }),
                 {"offset 40", "t = 65537 or 257, found 97", "another plan"});
    expect_error(loading(saved(ring, golden.plaintext()),
                         [&](Source& source) { (void)load_plaintext(source, other); }),
                 {"t = 65537 or 257, found 97"});
}

TEST_F(CiphertextsRefusal, BinomialsOutOfRange) {
    const Context binomials(golden_binomial_parameters());
    const Bytes bytes = saved(ring, golden.seeded_binomial(binomials));
    const auto load = [&](const Bytes& changed) {
        return loading(changed, [&](Source& source) { (void)load_ciphertext(source, binomials); });
    };
    EXPECT_EQ(bytes.size(), seeded_ciphertext_bytes(ring, ring.max_limbs()) + binomial_name_bytes);
    expect_error(load(with(bytes, 40, 0)), {"offset 40", "a power k", "found 0"});
    expect_error(load(with(bytes, 40, 8)), {"x^4 + 160", "found x^8 + 160"});
    expect_error(load(with(bytes, 44, 1)), {"offset 44", "zero"});
    expect_error(load(with(bytes, 51, 1)), {"offset 48", "2 <= |b| < 2^24"});
    expect_error(loading_ciphertext(bytes), {"t = 97 or 65537, found x^4 + 160", "another plan"});
    // Records that name no modulus have no second version.
    expect_error(loading(with(saved(ring, golden.secret_key()), 6, 2),
                         [&](Source& source) { (void)load_secret_key(source, ring); }),
                 {"offset 6", "format version 1", "found 2"});
    Parameters wrong = golden_binomial_parameters();
    const Bytes parameters = saved(wrong);
    expect_error(loading(with(parameters, 48, 0), [](Source& source) { (void)load_parameters(source); }),
                 {"offset 48", "a number of binomials", "found 0"});
    Plaintext outside = GoldenObjects::binomial_plaintext();
    outside[3] = 82;
    expect_error([&] { (void)saved(ring, outside); }, {"below 163"});
}

TEST_F(CiphertextsRefusal, ScaleLevelFormAndPadding) {
    expect_error(loading_ciphertext(with(ciphertext, 48, 1)), {"offset 48", "the scale 1"});
    expect_error(loading_ciphertext(with(ciphertext, 57, 0)), {"a number of limbs from 1 to 3, found 0"});
    expect_error(loading_ciphertext(with(ciphertext, 57, 4)), {"a number of limbs from 1 to 3, found 4"});
    expect_error(loading_ciphertext(with(ciphertext, 57, 2)), {"offset 8", "bytes of body"});
    expect_error(loading_ciphertext(with(ciphertext, 58, 2)), {"a form", "found 2"});
    expect_error(loading_ciphertext(with(ciphertext, 60, 1)), {"offset 60", "a zero byte"});
    expect_error(loading_ciphertext(with(ciphertext, 36, 1)), {"4 zero bytes"});
    expect_error(loading_ciphertext(with(ciphertext, 32, 32)), {"offset 32", "n = 16, found 32"});
}

TEST_F(CiphertextsRefusal, ResiduesOutsideTheirPrime) {
    Bytes bytes = ciphertext;
    std::fill_n(bytes.begin() + 64, 7, std::uint8_t{0xff});
    reseal(bytes);
    expect_error(loading_ciphertext(bytes),
                 {"offset 64", "below 1125899906842273", "found 1125899906842623"});
}

TEST_F(CiphertextsRefusal, BitsBehindTheLastWord) {
    Bytes bytes = saved(ring, golden.reduced_some());
    // Four words of 19 bits after two bytes of list: 76 bits, so the tenth byte has four bits of padding.
    const std::size_t last = record_header_bytes + 24 + 2 + 9;
    expect_error(loading_ciphertext(with(bytes, last, bytes[last] | 0x80)), {"offset 75", "zero bits", "c0"});
}

TEST_F(CiphertextsRefusal, CoefficientListsOutOfOrder) {
    const Bytes bytes = saved(ring, golden.reduced_some());
    expect_error(loading_ciphertext(with(bytes, record_header_bytes + 24, 0x03)), {"strictly rising"});
}

TEST_F(CiphertextsRefusal, ObjectsThatCannotBeWritten) {
    Ciphertext broken = golden.ciphertext();
    broken.parts[0].limb(1)[3] = ring.data().modulus(1).value();
    expect_error([&] { (void)saved(ring, broken); }, {"every word below"});
    broken = golden.ciphertext();
    broken.parts.pop_back();
    expect_error([&] { (void)saved(ring, broken); }, {"2 to 5 parts"});
    broken = golden.ciphertext();
    broken.parts[1].set_form(Form::ntt);
    expect_error([&] { (void)saved(ring, broken); }, {"one degree, level and form"});
    SecretKey key = golden.secret_key();
    key.s.limb(0)[2] ^= 1;
    expect_error([&] { (void)saved(ring, key); }, {"ternary"});
    std::ostringstream stream;
    stream.setstate(std::ios::badbit);
    expect_error([&] { save(stream, ring, golden.ciphertext()); }, {"cannot write"});
}

/// What SEAL 4.4 writes, uncompressed and unseeded, at n = 8192 with 3 x 50 + 50 bits: 8 bytes a residue and
/// some more.
TEST(FileSizes, AreBelowTheTargetsAgainstSeal) {
    Parameters parameters;
    parameters.data_bits = {50, 50, 50};
    parameters.special_bits = {50};
    parameters.plain_bits = {20};
    const Context context(parameters);
    const Ring& ring = context.ring();
    EXPECT_LE(static_cast<double>(seeded_ciphertext_bytes(ring, 3)), 0.40 * 393329);
    EXPECT_LE(static_cast<double>(relin_keys_bytes(ring)), 0.40 * 1573267);
    EXPECT_LE(static_cast<double>(galois_keys_bytes(ring, 1)), 0.40 * 1638795);
    // A reply with 25 bits of t and 14.5 deviations in half of its room, in all slots; and ten radix
    // coefficients.
    const std::uint64_t q = ring.data().modulus(0).value();
    const double room = static_cast<double>(q) / std::exp2(25 + 1) / 2 / 14.5;
    EXPECT_LE(static_cast<double>(reduced_ciphertext_bytes(ring, smallest_reduction(8192, q, room))),
              0.55 * 131185);
    const std::vector<std::uint32_t> ten = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    EXPECT_LE(static_cast<double>(reduced_ciphertext_bytes(ring, smallest_reduction(8192, q, 0, ten))),
              0.40 * 131185);
}

}  // namespace
}  // namespace lacuna::testing
