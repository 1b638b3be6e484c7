// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/serialize.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <sstream>

#include <lacuna/he/files/bit_packing.h>
#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/ntt/error.h>
#include "tests/support/golden.h"
#include "tests/support/records.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

Bytes bytes_of(const std::ostringstream& stream) {
    const std::string text = stream.str();
    return {text.begin(), text.end()};
}

Bytes saved(const Parameters& parameters) {
    std::ostringstream stream;
    save(stream, parameters);
    return bytes_of(stream);
}

template <typename Object>
Bytes saved(const Ring& ring, const Object& object) {
    std::ostringstream stream;
    save(stream, ring, object);
    return bytes_of(stream);
}

/// Loads with `load` and demands that nothing is left.
template <typename Load>
auto loaded(const Bytes& bytes, Load load) {
    Source source(bytes, "memory");
    auto object = load(source);
    source.expect_end();
    return object;
}

void expect_error(const std::function<void()>& action, std::initializer_list<const char*> parts) {
    try {
        action();
        ADD_FAILURE() << "expected an Error with '" << *parts.begin() << "'";
    } catch (const Error& error) {
        for (const char* part : parts) {
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
                << part << " in: " << error.what();
        }
    }
}

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

class SerializeTest : public ::testing::TestWithParam<Parameters> {
  protected:
    std::mt19937_64 random{11};
    Scheme scheme{GetParam()};
    const Context& context = scheme.context;
    const Ring& ring = scheme.context.ring();
    Plaintext message = random_plaintext(ring.n(), context.plain().modulus().value(), random);
};

TEST_P(SerializeTest, ParametersComeBackResolved) {
    const Bytes bytes = saved(GetParam());
    EXPECT_EQ(loaded(bytes, [](Source& source) { return load_parameters(source); }), resolve(GetParam()));
}

TEST_P(SerializeTest, SecretKeyComesBackAtTwoBitsACoefficient) {
    const Bytes bytes = saved(ring, scheme.generator.secret_key());
    EXPECT_EQ(bytes.size(), secret_key_bytes(ring));
    EXPECT_EQ(bytes.size(), record_overhead_bytes + ring.n() / 4);
    const SecretKey key = loaded(bytes, [&](Source& source) { return load_secret_key(source, ring); });
    EXPECT_EQ(key.ring, ring.hash());
    EXPECT_EQ(key.s, scheme.generator.secret_key().s);
}

TEST_P(SerializeTest, KeysComeBackWithTheirExpandedHalves) {
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

TEST_P(SerializeTest, PlaintextsComeBack) {
    EXPECT_EQ(loaded(saved(ring, message), [&](Source& source) { return load_plaintext(source, context); }),
              message);
}

TEST_P(SerializeTest, CiphertextsComeBackAtEveryLevelSizeAndForm) {
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

TEST_P(SerializeTest, SeededCiphertextsComeBackHalfTheSize) {
    const SeededCiphertext seeded = scheme.encryptor.encrypt_seeded(message);
    const Bytes bytes = saved(ring, seeded);
    EXPECT_EQ(bytes.size(), seeded_ciphertext_bytes(ring, ring.max_limbs()));
    EXPECT_EQ(loaded(bytes, [&](Source& source) { return load_seeded_ciphertext(source, context); }), seeded);
    const Ciphertext expanded =
        loaded(bytes, [&](Source& source) { return load_ciphertext(source, context); });
    EXPECT_EQ(expanded, expand(ring, seeded));
    EXPECT_EQ(scheme.decryptor.decrypt(expanded), message);
}

TEST_P(SerializeTest, ReducedCiphertextsComeBack) {
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

INSTANTIATE_TEST_SUITE_P(Settings, SerializeTest,
                         ::testing::Values(small_parameters(16, {50, 50, 50}, {50}, {65537}),
                                           small_parameters(64, {45, 44, 46, 45}, {47, 48}, {1 << 20, 7681},
                                                            2),
                                           small_parameters(128, {50, 50, 50, 32}, {50}, {12289}),
                                           small_parameters(32, {30, 30, 30, 30, 30}, {50, 45}, {257}, 3),
                                           small_parameters(64, {50, 40}, {}, {2})),
                         [](const auto& info) {
                             std::string name = "n";
                             name += std::to_string(info.param.n);
                             return name += "_setting" + std::to_string(info.index);
                         });

TEST(BitPacking, EveryWidthComesBackAndFillsUpWithZeros) {
    std::mt19937_64 random(3);
    for (int bits = 1; bits <= 63; ++bits) {
        for (const std::size_t count : {1, 7, 8, 64, 65, 131}) {
            std::vector<std::uint64_t> words(count);
            for (std::uint64_t& word : words) {
                word = random() >> (64 - bits);
            }
            Bytes bytes(packed_bytes(count, bits));
            pack_bits(words, bits, bytes);
            std::vector<std::uint64_t> unpacked(count);
            ASSERT_TRUE(unpack_bits(bytes, bits, unpacked)) << bits << " bits, " << count << " words";
            ASSERT_EQ(unpacked, words) << bits << " bits, " << count << " words";
            if (count * static_cast<std::size_t>(bits) % 8 != 0) {
                bytes.back() |= 0x80;
                EXPECT_FALSE(unpack_bits(bytes, bits, unpacked)) << bits << " bits, " << count << " words";
                EXPECT_EQ(unpacked, words);
            }
        }
    }
    EXPECT_EQ(bits_below(2), 1);
    EXPECT_EQ(bits_below(3), 2);
    EXPECT_EQ(bits_below(std::uint64_t{1} << 49), 49);
    EXPECT_EQ(bits_below((std::uint64_t{1} << 49) + 1), 50);
}

TEST(BitPacking, LowestBitFirst) {
    const std::array<std::uint64_t, 3> words = {0b101, 0b011, 0b110};
    std::array<std::uint8_t, 2> bytes{};
    pack_bits(words, 3, bytes);
    EXPECT_EQ(bytes[0], 0b10011101);
    EXPECT_EQ(bytes[1], 0b1);
}

// ---- reduction

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

// ---- refusals, each with its own message

class RefusalTest : public ::testing::Test {
  protected:
    GoldenObjects golden;
    const Context& context = golden.context;
    const Ring& ring = golden.ring;
    const Bytes ciphertext = saved(ring, golden.ciphertext());

    static std::function<void()> loading(Bytes bytes, const std::function<void(Source&)>& load) {
        return [bytes = std::move(bytes), load] {
            Source source(bytes, "upload.lct");
            load(source);
        };
    }
    std::function<void()> loading_ciphertext(Bytes bytes) const {
        return loading(std::move(bytes), [this](Source& source) { (void)load_ciphertext(source, context); });
    }
    /// With one byte replaced and the checksum made right again.
    static Bytes with(Bytes bytes, std::size_t offset, std::uint8_t value) {
        bytes.at(offset) = value;
        reseal(bytes);
        return bytes;
    }
};

TEST_F(RefusalTest, NameOffsetExpectedFoundAndAdvice) {
    expect_error(loading_ciphertext(with(ciphertext, 56, 4)),
                 {"upload.lct: offset 56: expected a number of parts from 2 to 3, found 4; fetch"});
}

TEST_F(RefusalTest, ForeignFiles) {
    expect_error(loading_ciphertext({}), {"offset 0", "'LACUNA'", "the end"});
    expect_error(loading_ciphertext({'P', 'N', 'G'}), {"'LACUNA'", "'PNG'"});
    expect_error(loading_ciphertext({0x1f, 0x8b, 8, 0, 0, 0, 0, 0}), {"'\\x1f\\x8b"});
}

TEST_F(RefusalTest, OtherVersions) {
    expect_error(loading_ciphertext(with(ciphertext, 6, 0)),
                 {"offset 6", "format version 1 or 2, found 0", "write it again"});
    expect_error(loading_ciphertext(with(ciphertext, 6, 3)),
                 {"format version 1 or 2, found 3", "newer release"});
}

TEST_F(RefusalTest, OtherKinds) {
    expect_error(loading_ciphertext(saved(ring, golden.secret_key())),
                 {"offset 7", "ciphertext, found secret key"});
    expect_error(loading(ciphertext, [this](Source& source) { (void)load_secret_key(source, ring); }),
                 {"expected secret key, found ciphertext"});
    expect_error(loading_ciphertext(with(ciphertext, 7, 13)), {"a kind of record from 1 to 12, found 13"});
    expect_error(loading_ciphertext(with(ciphertext, 7, 0)), {"a kind of record"});
}

TEST_F(RefusalTest, OtherRings) {
    Parameters parameters = golden_parameters();
    parameters.digit_limbs = 1;
    const Context other(parameters);
    expect_error(loading(ciphertext, [&](Source& source) { (void)load_ciphertext(source, other); }),
                 {"offset 16", format_hash(other.ring().hash()).c_str(), format_hash(ring.hash()).c_str(),
                  "belong together"});
    expect_error(loading(saved(ring, golden.secret_key()),
                         [&](Source& source) { (void)load_secret_key(source, other.ring()); }),
                 {"the ring"});
    expect_error([&] { (void)saved(other.ring(), golden.ciphertext()); }, {"save: ciphertext", "given ring"});
}

TEST_F(RefusalTest, OtherPlaintextModuli) {
    Parameters parameters = golden_parameters();
    parameters.plain_moduli = {65537, 257};
    const Context other(parameters);
    expect_error(loading(ciphertext, [&](Source& source) { (void)load_ciphertext(source, other); }),
                 {"offset 40", "t = 65537 or 257, found 97", "another plan"});
    expect_error(loading(saved(ring, golden.plaintext()),
                         [&](Source& source) { (void)load_plaintext(source, other); }),
                 {"t = 65537 or 257, found 97"});
}

TEST_F(RefusalTest, BinomialsOutOfRange) {
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

TEST_F(RefusalTest, ScaleLevelFormAndPadding) {
    expect_error(loading_ciphertext(with(ciphertext, 48, 1)), {"offset 48", "the scale 1"});
    expect_error(loading_ciphertext(with(ciphertext, 57, 0)), {"a number of limbs from 1 to 3, found 0"});
    expect_error(loading_ciphertext(with(ciphertext, 57, 4)), {"a number of limbs from 1 to 3, found 4"});
    expect_error(loading_ciphertext(with(ciphertext, 57, 2)), {"offset 8", "bytes of body"});
    expect_error(loading_ciphertext(with(ciphertext, 58, 2)), {"a form", "found 2"});
    expect_error(loading_ciphertext(with(ciphertext, 60, 1)), {"offset 60", "a zero byte"});
    expect_error(loading_ciphertext(with(ciphertext, 36, 1)), {"4 zero bytes"});
    expect_error(loading_ciphertext(with(ciphertext, 32, 32)), {"offset 32", "n = 16, found 32"});
}

TEST_F(RefusalTest, ResiduesOutsideTheirPrime) {
    Bytes bytes = ciphertext;
    std::fill_n(bytes.begin() + 64, 7, std::uint8_t{0xff});
    reseal(bytes);
    expect_error(loading_ciphertext(bytes),
                 {"offset 64", "below 1125899906842273", "found 1125899906842623"});
}

TEST_F(RefusalTest, BitsBehindTheLastWord) {
    Bytes bytes = saved(ring, golden.reduced_some());
    // Four words of 19 bits after two bytes of list: 76 bits, so the tenth byte has four bits of padding.
    const std::size_t last = record_header_bytes + 24 + 2 + 9;
    expect_error(loading_ciphertext(with(bytes, last, bytes[last] | 0x80)), {"offset 75", "zero bits", "c0"});
}

TEST_F(RefusalTest, CoefficientListsOutOfOrder) {
    const Bytes bytes = saved(ring, golden.reduced_some());
    expect_error(loading_ciphertext(with(bytes, record_header_bytes + 24, 0x03)), {"strictly rising"});
}

TEST_F(RefusalTest, SecretsThatAreNotTernary) {
    const auto load = [this](Source& source) { (void)load_secret_key(source, ring); };
    expect_error(loading(with(saved(ring, golden.secret_key()), 41, 0xc0), load),
                 {"word of s below 3", "a larger one"});
}

TEST_F(RefusalTest, GaloisElementsThatDoNotRise) {
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

TEST_F(RefusalTest, KeySwitchingWithoutSpecialPrimes) {
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

TEST_F(RefusalTest, ParametersThatDoNotHold) {
    const Bytes bytes = saved(golden_parameters());
    const auto load = [](Source& source) { (void)load_parameters(source); };
    EXPECT_NO_THROW(loading(bytes, load)());
    expect_error(loading(with(bytes, 56, 1), load), {"upload.lct", "1 modulo 2n"});
    expect_error(loading(with(bytes, 34, 1), load), {"upload.lct", "n: expected a power of two"});
    expect_error(loading(with(bytes, 40, 65), load), {"primes from 0 to 64, found 65"});
    expect_error(loading(with(bytes, 43, 0), load), {"128 bits", "allow_insecure"});
    expect_error(loading(with(bytes, 43, 2), load), {"allow_insecure"});
    expect_error(loading(with(bytes, 16, 1), load), {"no ring"});
}

TEST_F(RefusalTest, LengthsThatLieCostNoMemory) {
    for (std::size_t offset = 8; offset < 16; ++offset) {
        for (const Kind kind : {Kind::ciphertext, Kind::seeded_ciphertext, Kind::reduced_ciphertext}) {
            Bytes bytes = ciphertext;
            bytes[7] = static_cast<std::uint8_t>(kind);
            bytes[offset] ^= 0x40;
            EXPECT_THROW(loading_ciphertext(bytes)(), Error);
            std::istringstream stream(std::string(bytes.begin(), bytes.end()));
            Source source(stream, "pipe");
            EXPECT_THROW((void)load_ciphertext(source, context), Error);
        }
    }
}

TEST_F(RefusalTest, DamageAndTrailingBytes) {
    Bytes bytes = ciphertext;
    bytes[100] ^= 1;
    expect_error(loading_ciphertext(bytes), {"checksum", "damaged"});
    bytes = ciphertext;
    bytes.push_back(0);
    expect_error(
        [&] { (void)loaded(bytes, [&](Source& source) { return load_ciphertext(source, context); }); },
        {"offset 620", "expected the end, found more bytes"});
}

TEST_F(RefusalTest, ObjectsThatCannotBeWritten) {
    Ciphertext broken = golden.ciphertext();
    broken.parts[0].limb(1)[3] = ring.data().modulus(1).value();
    expect_error([&] { (void)saved(ring, broken); }, {"every word below"});
    broken = golden.ciphertext();
    broken.parts.pop_back();
    expect_error([&] { (void)saved(ring, broken); }, {"2 or 3 parts"});
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

// ---- batches

class BatchTest : public RefusalTest {
  protected:
    static constexpr std::size_t count = 5;

    std::vector<SeededCiphertext> items = [this] {
        const SecretKey key = golden.secret_key();
        const Encryptor encryptor(context, key);
        std::vector<SeededCiphertext> list;
        for (std::size_t i = 0; i < count; ++i) {
            list.push_back(encryptor.encrypt_seeded(golden.plaintext()));
        }
        return list;
    }();

    Bytes batch() const {
        std::ostringstream stream;
        BatchWriter writer(stream, ring, Kind::seeded_ciphertext, count, GoldenObjects::layout());
        for (const SeededCiphertext& item : items) {
            writer.write(item);
        }
        writer.finish();
        return bytes_of(stream);
    }

    std::function<void()> reading(Bytes bytes) const {
        return loading(std::move(bytes), [this](Source& source) {
            BatchReader reader(source, context);
            while (reader.left() != 0) {
                (void)reader.next();
            }
            reader.finish();
        });
    }
};

TEST_F(BatchTest, ComesBackOneByOne) {
    const Bytes bytes = batch();
    EXPECT_EQ(bytes.size(),
              batch_bytes(count, seeded_ciphertext_bytes(ring, 3), GoldenObjects::layout().size()));
    std::istringstream stream(std::string(bytes.begin(), bytes.end()));
    Source source(stream, "pipe");
    BatchReader reader(source, context);
    EXPECT_EQ(reader.item(), Kind::seeded_ciphertext);
    EXPECT_EQ(reader.count(), count);
    EXPECT_TRUE(std::ranges::equal(reader.layout(), GoldenObjects::layout()));
    EXPECT_EQ(reader.next_seeded(), items[0]);
    EXPECT_THROW((void)reader.next_reduced(), Error);
    EXPECT_EQ(reader.left(), count - 1);
    for (std::size_t i = 1; i < count; ++i) {
        EXPECT_EQ(reader.next(), expand(ring, items[i]));
    }
    reader.finish();
    expect_error([&] { (void)reader.next(); }, {"more than 5 ciphertexts", "its end"});
}

TEST_F(BatchTest, RecordsMissingMovedOrForeign) {
    const Bytes bytes = batch();
    EXPECT_NO_THROW(reading(bytes)());
    const std::vector<std::size_t> at = record_offsets(bytes);
    ASSERT_EQ(at.size(), count + 2);
    const auto piece = [&](std::size_t i) { return Bytes(bytes.begin() + at[i], bytes.begin() + at[i + 1]); };
    const auto joined = [&](std::initializer_list<Bytes> pieces) {
        Bytes all;
        for (const Bytes& one : pieces) {
            all.insert(all.end(), one.begin(), one.end());
        }
        return all;
    };
    expect_error(reading(joined({piece(0), piece(1), piece(3), piece(2), piece(4), piece(5)})),
                 {"checksum", "missing or out of order"});
    expect_error(reading(joined({piece(0), piece(1), piece(2), piece(4), piece(5)})),
                 {"missing or out of order"});
    expect_error(reading(joined({piece(0), piece(1), piece(2), piece(3), piece(4)})),
                 {"'LACUNA'", "the end"});
    expect_error(reading(joined({bytes, piece(5)})), {"expected the end"});
    expect_error(reading(joined({piece(0), saved(ring, items[0]), piece(2), piece(3), piece(4), piece(5)})),
                 {"missing or out of order"});
    expect_error(reading(joined({piece(0), saved(ring, golden.ciphertext()), piece(2)})),
                 {"seeded ciphertext, found ciphertext"});
}

TEST_F(BatchTest, HeadsThatLie) {
    const Bytes bytes = batch();
    expect_error(reading(with(bytes, 40, 0)), {"ciphertexts from 1 to 16777216, found 0"});
    expect_error(reading(with(bytes, 43, 2)), {"ciphertexts from 1 to 16777216"});
    expect_error(reading(with(bytes, 44, 7)), {"a kind of ciphertext", "found 7"});
    expect_error(reading(with(bytes, 44, 8)), {"expected ciphertext, found seeded ciphertext"});
    expect_error(reading(with(bytes, 45, 1)), {"a zero byte"});
    expect_error(reading(with(bytes, 55, 2)), {"a layout's length"});
    expect_error(reading(with(bytes, 54, 1)), {"bytes of body"});
}

TEST_F(BatchTest, TheWriterKeepsItsPromise) {
    std::ostringstream stream;
    EXPECT_THROW(BatchWriter(stream, ring, Kind::secret_key, 1, {}), Error);
    EXPECT_THROW(BatchWriter(stream, ring, Kind::ciphertext, 0, {}), Error);
    EXPECT_THROW(BatchWriter(stream, ring, Kind::ciphertext, 1, Bytes(max_layout_bytes + 1)), Error);
    BatchWriter writer(stream, ring, Kind::seeded_ciphertext, 1, {});
    expect_error([&] { writer.finish(); }, {"1 more ciphertexts"});
    expect_error([&] { writer.write(golden.ciphertext()); }, {"a seeded ciphertext, found a ciphertext"});
    writer.write(items[0]);
    expect_error([&] { writer.write(items[1]); }, {"no more"});
    writer.finish();
}

// ---- sizes

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
