// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/record.h>

#include <limits>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/serialization.h"

namespace lacuna::testing {
namespace {

class RecordRefusal : public RefusalTest {};

TEST_F(RecordRefusal, NameOffsetExpectedFoundAndAdvice) {
    expect_error(loading_ciphertext(with(ciphertext, 56, 6)),
                 {"upload.lct: offset 56: expected a number of parts from 2 to 5, found 6; fetch"});
}

TEST_F(RecordRefusal, ForeignFiles) {
    expect_error(loading_ciphertext({}), {"offset 0", "'LACUNA'", "the end"});
    expect_error(loading_ciphertext({'P', 'N', 'G'}), {"'LACUNA'", "'PNG'"});
    expect_error(loading_ciphertext({0x1f, 0x8b, 8, 0, 0, 0, 0, 0}), {"'\\x1f\\x8b"});
}

TEST_F(RecordRefusal, OtherVersions) {
    expect_error(loading_ciphertext(with(ciphertext, 6, 0)),
                 {"offset 6", "format version 1 or 2, found 0", "write it again"});
    expect_error(loading_ciphertext(with(ciphertext, 6, 3)),
                 {"format version 1 or 2, found 3", "newer release"});
}

TEST_F(RecordRefusal, OtherKinds) {
    expect_error(loading_ciphertext(saved(ring, golden.secret_key())),
                 {"offset 7", "ciphertext, found secret key"});
    expect_error(loading(ciphertext, [this](Source& source) { (void)load_secret_key(source, ring); }),
                 {"expected secret key, found ciphertext"});
    expect_error(loading_ciphertext(with(ciphertext, 7, 13)), {"a kind of record from 1 to 12, found 13"});
    expect_error(loading_ciphertext(with(ciphertext, 7, 0)), {"a kind of record"});
}

TEST_F(RecordRefusal, OtherRings) {
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

TEST_F(RecordRefusal, LengthsThatLieCostNoMemory) {
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

TEST_F(RecordRefusal, DamageAndTrailingBytes) {
    Bytes bytes = ciphertext;
    bytes[100] ^= 1;
    expect_error(loading_ciphertext(bytes), {"checksum", "damaged"});
    bytes = ciphertext;
    bytes.push_back(0);
    expect_error(
        [&] { (void)loaded(bytes, [&](Source& source) { return load_ciphertext(source, context); }); },
        {"offset 620", "expected the end, found more bytes"});
}

// ---- records alone

RecordHeader header_of(std::uint64_t body_bytes) {
    RecordHeader header{Kind::plaintext, file_format_version, body_bytes, {}, 64};
    header.ring[5] = 7;
    return header;
}

TEST(Record, FieldsComeBackInOrder) {
    std::ostringstream stream;
    std::vector<std::uint64_t> words = {0, 96, 5, 77, 3};
    RecordWriter writer(stream, header_of(1 + 2 + 4 + 8 + 8 + 3 + 5));
    writer.u8(0xfe);
    writer.u16(0xfedc);
    writer.u32(0xfedcba98);
    writer.u64(0xfedcba9876543210);
    writer.f64(-0.3);
    writer.zeros(3);
    writer.packed(words, 97);  // 5 words of 7 bits
    writer.finish();
    const Bytes bytes = bytes_of(stream);
    EXPECT_EQ(bytes.size(), record_overhead_bytes + 31);
    Source source(bytes, "memory");
    RecordReader reader(source);
    EXPECT_EQ(reader.header().kind, Kind::plaintext);
    EXPECT_EQ(reader.header().n, 64U);
    EXPECT_EQ(reader.header().ring[5], 7);
    EXPECT_EQ(reader.left(), 31U);
    EXPECT_EQ(reader.u8("a"), 0xfe);
    EXPECT_EQ(reader.u16("b"), 0xfedc);
    EXPECT_EQ(reader.u32("c"), 0xfedcba98);
    EXPECT_EQ(reader.u64("d"), 0xfedcba9876543210);
    EXPECT_EQ(reader.f64("e"), -0.3);
    reader.zeros(3);
    std::vector<std::uint64_t> found(5);
    reader.packed(found, 97, "words");
    EXPECT_EQ(found, words);
    EXPECT_EQ(reader.left(), 0U);
    reader.finish();
    source.expect_end();
}

TEST(Record, TheWriterKeepsItsLength) {
    std::ostringstream stream;
    RecordWriter writer(stream, header_of(2));
    writer.u8(1);
    expect_error([&] { writer.finish(); }, {"1 more bytes", "too large"});
    expect_error([&] { writer.u16(1); }, {"at most 1 more bytes, found 2", "too small"});
    const std::vector<std::uint64_t> word = {9};
    expect_error([&] { writer.packed(word, 9); }, {"every word below 9"});
    writer.u8(1);
    writer.finish();
}

/// The checksum of each record of a stream covers that of the one before.
TEST(Record, ChainsTieAStreamTogether) {
    const auto written = [](int first, bool chained) {
        std::ostringstream stream;
        Chain chain;
        for (const int value : {first, 2, 3}) {
            RecordWriter writer(stream, header_of(1), chained ? &chain : nullptr);
            writer.u8(static_cast<std::uint8_t>(value));
            writer.finish();
        }
        return bytes_of(stream);
    };
    const auto read = [](const Bytes& bytes, bool chained) {
        Source source(bytes, "memory");
        Chain chain;
        for (int i = 0; i < 3; ++i) {
            RecordReader reader(source, chained ? &chain : nullptr);
            (void)reader.u8("value");
            reader.finish();
        }
    };
    const Bytes chained = written(1, true);
    EXPECT_NO_THROW(read(chained, true));
    EXPECT_NO_THROW(read(written(1, false), false));
    EXPECT_THROW(read(chained, false), Error);
    EXPECT_THROW(read(written(1, false), true), Error);
    // The same records behind another first one.
    Bytes mixed = written(9, true);
    const std::size_t one = record_overhead_bytes + 1;
    std::copy(chained.begin() + one, chained.end(), mixed.begin() + one);
    EXPECT_THROW(read(mixed, true), Error);
}

}  // namespace
}  // namespace lacuna::testing
