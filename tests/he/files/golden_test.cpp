// SPDX-License-Identifier: Apache-2.0
#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <sstream>

#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/he/files/inspect.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_match.h>
#include <lacuna/ntt/error.h>
#include "tests/support/binomial.h"
#include "tests/support/places.h"
#include "tests/support/records.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

/// A digest of decoded words, so that what a file means is frozen and not only that it loads.
class ContentHash {
  public:
    void add(std::span<const std::uint64_t> words) {
        checksum_.update({reinterpret_cast<const std::uint8_t*>(words.data()), words.size_bytes()});
    }
    void add(const RnsPolynomial& polynomial) {
        for (std::size_t i = 0; i < polynomial.limbs(); ++i) {
            add(polynomial.limb_span(i));
        }
    }
    void add(const Ciphertext& ciphertext) {
        for (const RnsPolynomial& part : ciphertext.parts) {
            add(part);
        }
    }
    void add(const PublicKey& key) {
        add(key.b);
        add(key.a);
    }
    void add(const KeySwitchKey& key) {
        for (const KeySwitchKey::Digit& digit : key.digits) {
            add(digit.b);
            add(digit.a);
        }
    }
    void add(const GaloisKeys& keys) {
        for (const auto& [element, entry] : keys.entries) {
            const std::uint64_t word = element;
            add(std::span(&word, 1));
            add(entry.key);
        }
    }
    std::string text() { return format_hash(checksum_.value()); }

  private:
    Checksum checksum_;
};

using Loader = std::function<void(Source&, const Context&, ContentHash&)>;

void read_batch(Source& source, const Context& context, ContentHash& hash) {
    BatchReader reader(source, context);
    for (const std::uint8_t byte : reader.layout()) {
        const std::uint64_t word = byte;
        hash.add(std::span(&word, 1));
    }
    while (reader.left() != 0) {
        hash.add(reader.next());
    }
    reader.finish();
}

struct GoldenFile {
    std::string name;
    Loader load;
    std::string content;
    int version = 1;
};

const std::vector<GoldenFile>& golden_files() {
    static const Loader ciphertext = [](Source& source, const Context& context, ContentHash& hash) {
        hash.add(load_ciphertext(source, context));
    };
    static const Loader plaintext = [](Source& source, const Context& context, ContentHash& hash) {
        const Plaintext loaded = load_plaintext(source, context);
        hash.add(std::span(loaded.data(), loaded.n()));
    };
    static const std::vector<GoldenFile> files = {
        {"parameters_2.lct",
         [](Source& source, const Context&, ContentHash& hash) {
             for (const PlainModulus& t : load_parameters(source).plain_polynomials) {
                 const std::array<std::uint64_t, 2> words = {t.power(), static_cast<std::uint64_t>(t.base())};
                 hash.add(words);
             }
         },
         "ccb5bb60bd5d5d2a9099c639d6bf80de", 2},
        {"plaintext_2.lct", plaintext, "303ac580eb19eb34b5f9ef4ae3b34739", 2},
        {"ciphertext_2.lct", ciphertext, "4a08f17382d5260ca8d759a113e2d360", 2},
        {"seeded_2.lct", ciphertext, "4a08f17382d5260ca8d759a113e2d360", 2},
        {"reduced_2.lct", ciphertext, "f3d25cbac409aa7142d8f94999d97f35", 2},
        {"batch_2.lct", read_batch, "ffd0f27c3a6fb39c9e69a15b827e1120", 1},
        {"parameters.lct",
         [](Source& source, const Context&, ContentHash& hash) {
             const Parameters parameters = load_parameters(source);
             hash.add(parameters.data_primes);
             hash.add(parameters.special_primes);
             hash.add(parameters.plain_moduli);
         },
         "55e0536b072593f82f8053ca3b2b77f6"},
        {"secret.key",
         [](Source& source, const Context& context, ContentHash& hash) {
             hash.add(load_secret_key(source, context.ring()).s);
         },
         "1456bcbfaffd1d8db5583d75f5b3c2a2"},
        {"public.key",
         [](Source& source, const Context& context, ContentHash& hash) {
             hash.add(load_public_key(source, context.ring()));
         },
         "9b76d4fe4cfe09b53c8bce0b49c348ef"},
        {"relin.keys",
         [](Source& source, const Context& context, ContentHash& hash) {
             hash.add(load_relin_keys(source, context.ring()).key);
         },
         "dc309e137412b469e0c79f81767a523e"},
        {"galois.keys",
         [](Source& source, const Context& context, ContentHash& hash) {
             hash.add(load_galois_keys(source, context.ring()));
         },
         "b02388f348de52c5e1f4170a8ecb7605"},
        {"evaluation.keys",
         [](Source& source, const Context& context, ContentHash& hash) {
             const EvaluationKeys keys = load_evaluation_keys(source, context.ring());
             hash.add(keys.public_key.value());
             hash.add(keys.relin_keys.value().key);
             hash.add(keys.galois_keys);
         },
         "3990a14a5eeab1bd42053617163f4c9b"},
        {"evaluation_2.keys",
         [](Source& source, const Context& context, ContentHash& hash) {
             const EvaluationKeys keys = load_evaluation_keys(source, context.ring());
             hash.add(keys.relin_keys.value().key);
             hash.add(keys.galois_keys);
         },
         "0916b78c75b6048c97658b18a5938966", 2},
        {"plaintext.lct", plaintext, "c82bc2642f4d9f889436ad83585655d9"},
        {"ciphertext.lct", ciphertext, "0643d14bb7bfcb5d50cb378ee54575c5"},
        {"squared.lct", ciphertext, "c7d83fd061e9e30fcad3bd6bc351435e"},
        {"seeded.lct", ciphertext, "0643d14bb7bfcb5d50cb378ee54575c5"},
        {"reduced.lct", ciphertext, "9a7e63379ceba0009ebee6f9aa26a147"},
        {"reduced_some.lct", ciphertext, "3a2e06012c89e1291ee5ddbfa39ef105"},
        {"batch.lct", read_batch, "533699a547eaf72f0eabf951538416a2"},
        {"batch_seeded.lct", read_batch, "18ec646232a45d4b409ad9acba662304"},
        {"batch_reduced.lct", read_batch, "ed59291e1caa5ce380d42feef5f92ad8"},
    };
    return files;
}

class GoldenTest : public ::testing::TestWithParam<std::size_t> {
  protected:
    const GoldenFile& file = golden_files()[GetParam()];
    Bytes bytes = read_bytes(test::golden_folder() / file.name);
    const Context& context = shared_context();

    static const Context& shared_context() {
        static const Context instance(golden_binomial_parameters());
        return instance;
    }

    void load(std::span<const std::uint8_t> data) const {
        Source source(data, file.name);
        ContentHash hash;
        file.load(source, context, hash);
        source.expect_end();
    }
};

TEST_P(GoldenTest, KeepsItsMeaning) {
    Source source(test::golden_folder() / file.name);
    ContentHash hash;
    file.load(source, context, hash);
    EXPECT_TRUE(source.at_end());
    EXPECT_EQ(hash.text(), file.content) << file.name;
}

TEST_P(GoldenTest, EveryTruncationIsRefused) {
    ASSERT_FALSE(bytes.empty());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const std::span<const std::uint8_t> cut(bytes.data(), length);
        EXPECT_THROW(load(cut), Error) << file.name << " cut to " << length;
        std::istringstream stream(std::string(cut.begin(), cut.end()));
        Source source(stream, file.name);
        ContentHash hash;
        EXPECT_THROW(file.load(source, context, hash), Error)
            << file.name << " cut to " << length << ", piped";
        Source inspected(cut, file.name);
        EXPECT_THROW((void)inspect(inspected), Error) << file.name << " cut to " << length << ", inspected";
    }
}

TEST_P(GoldenTest, EveryFlippedBitIsRefused) {
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        EXPECT_THROW(load(bytes), Error) << file.name << " bit " << bit;
        bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    }
}

TEST_P(GoldenTest, FlippedBitsUnderARightChecksumAreRefusedOrHarmless) {
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes changed = bytes;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        reseal(changed);
        try {
            load(changed);
        } catch (const Error& error) {
            EXPECT_EQ(std::string(error.what()).rfind(file.name, 0), 0U) << error.what();
        }
    }
}

TEST_P(GoldenTest, IsDescribedWithoutKeys) {
    Source source(test::golden_folder() / file.name);
    const FileDescription description = inspect(source);
    EXPECT_EQ(description.bytes, bytes.size());
    EXPECT_EQ(description.version, file.version);
    EXPECT_EQ(description.n, 16U);
    EXPECT_EQ(static_cast<std::uint8_t>(description.kind), bytes[7]);
    const bool has_ring = description.kind != Kind::parameters && description.kind != Kind::plaintext;
    ASSERT_EQ(description.ring.has_value(), has_ring);
    if (has_ring) {
        EXPECT_EQ(*description.ring, context.ring().hash());
    }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, ::testing::Range(std::size_t{0}, golden_files().size()),
                         [](const auto& info) {
                             std::string name = golden_files()[info.param].name;
                             std::ranges::replace(name, '.', '_');
                             return name;
                         });

template <typename Object>
void expect_file(const char* name, const Ring& ring, const Object& object) {
    std::ostringstream stream;
    save(stream, ring, object);
    const std::string text = stream.str();
    EXPECT_EQ(Bytes(text.begin(), text.end()), read_bytes(test::golden_folder() / name)) << name;
}

TEST(Golden, WritingGivesTheSameBytes) {
    const GoldenObjects golden;
    std::ostringstream stream;
    save(stream, golden_parameters());
    const std::string text = stream.str();
    EXPECT_EQ(Bytes(text.begin(), text.end()), read_bytes(test::golden_folder() / "parameters.lct"));
    expect_file("secret.key", golden.ring, golden.secret_key());
    expect_file("plaintext.lct", golden.ring, golden.plaintext());
    expect_file("ciphertext.lct", golden.ring, golden.ciphertext());
    expect_file("seeded.lct", golden.ring, golden.seeded_ciphertext());
    expect_file("reduced.lct", golden.ring, golden.reduced());
    expect_file("reduced_some.lct", golden.ring, golden.reduced_some());
    expect_file("evaluation.keys", golden.ring,
                load_evaluation_keys(test::golden_folder() / "evaluation.keys", golden.ring));
    expect_file("evaluation_2.keys", golden.ring,
                load_evaluation_keys(test::golden_folder() / "evaluation_2.keys", golden.ring));

    const Context binomials(golden_binomial_parameters());
    std::ostringstream second;
    save(second, golden_binomial_parameters());
    const std::string written = second.str();
    EXPECT_EQ(Bytes(written.begin(), written.end()), read_bytes(test::golden_folder() / "parameters_2.lct"));
    const SeededCiphertext seeded = golden.seeded_binomial(binomials);
    expect_file("plaintext_2.lct", golden.ring, GoldenObjects::binomial_plaintext());
    expect_file("seeded_2.lct", golden.ring, seeded);
    expect_file("ciphertext_2.lct", golden.ring, expand(golden.ring, seeded));
    const Ciphertext one_limb = Evaluator(binomials).mod_switch_to(expand(golden.ring, seeded), 1);
    expect_file("reduced_2.lct", golden.ring, reduce(golden.ring, one_limb, {26, 28, {}}));
}

TEST(Golden, KeysStillWork) {
    const Context context(load_parameters(test::golden_folder() / "parameters.lct"));
    const Ring& ring = context.ring();
    const SecretKey secret = load_secret_key(test::golden_folder() / "secret.key", ring);
    const EvaluationKeys keys = load_evaluation_keys(test::golden_folder() / "evaluation.keys", ring);
    EXPECT_TRUE(
        matches(ring, secret, load_evaluation_keys(test::golden_folder() / "evaluation_2.keys", ring)));
    const Plaintext message = load_plaintext(test::golden_folder() / "plaintext.lct", context);
    const Decryptor decryptor(context, secret);
    const Evaluator evaluator(context);

    const Ciphertext ciphertext = load_ciphertext(test::golden_folder() / "seeded.lct", context);
    EXPECT_EQ(decryptor.decrypt(ciphertext), message);
    EXPECT_EQ(load_ciphertext(test::golden_folder() / "ciphertext.lct", context), ciphertext);
    EXPECT_EQ(decryptor.decrypt(load_ciphertext(test::golden_folder() / "reduced.lct", context)), message);
    const Plaintext some =
        decryptor.decrypt(load_ciphertext(test::golden_folder() / "reduced_some.lct", context));
    for (const std::size_t i : {0, 3, 4, 15}) {
        EXPECT_EQ(some[i], message[i]);
    }

    const Plaintext square = ring_multiply(message, message);
    const Ciphertext squared =
        evaluator.to_coefficients(load_ciphertext(test::golden_folder() / "squared.lct", context));
    EXPECT_EQ(squared.size(), 3U);
    EXPECT_EQ(decryptor.decrypt(squared), square);
    EXPECT_EQ(decryptor.decrypt(evaluator.relinearize(squared, keys.relin_keys.value())), square);
    EXPECT_EQ(decryptor.decrypt(evaluator.relinearize(
                  squared, load_relin_keys(test::golden_folder() / "relin.keys", ring))),
              square);

    const GaloisKeys galois = load_galois_keys(test::golden_folder() / "galois.keys", ring);
    for (const GaloisKeys* some_keys : {&galois, &keys.galois_keys}) {
        EXPECT_EQ(decryptor.decrypt(evaluator.rotate_rows(ciphertext, -2, *some_keys)),
                  ring_automorphism(message, rotation_element(16, -2)));
        EXPECT_EQ(decryptor.decrypt(evaluator.rotate_columns(ciphertext, *some_keys)),
                  ring_automorphism(message, row_swap_element(16)));
    }
    for (const PublicKey& key :
         {keys.public_key.value(), load_public_key(test::golden_folder() / "public.key", ring)}) {
        EXPECT_EQ(decryptor.decrypt(Encryptor(context, key).encrypt(message)), message);
    }
}

TEST(Golden, BinomialsStillDecrypt) {
    const Context context(load_parameters(test::golden_folder() / "parameters_2.lct"));
    const SecretKey secret = load_secret_key(test::golden_folder() / "secret.key", context.ring());
    const Plaintext message = load_plaintext(test::golden_folder() / "plaintext_2.lct", context);
    EXPECT_EQ(message, GoldenObjects::binomial_plaintext());
    const BinomialRing ring(message.n(), message.t());
    const Decryptor decryptor(context, secret);
    for (const char* name : {"ciphertext_2.lct", "seeded_2.lct", "reduced_2.lct"}) {
        // Another representative of the same class: -81 is one below the shortest.
        const Plaintext found = decryptor.decrypt(load_ciphertext(test::golden_folder() / name, context));
        EXPECT_EQ(ring.element(found), ring.element(message)) << name;
    }
}

}  // namespace
}  // namespace lacuna::testing
