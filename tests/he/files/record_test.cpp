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
    expect_error(loading_ciphertext(with(ciphertext, 56, 4)),
                 {"upload.lct: offset 56: expected a number of parts from 2 to 3, found 4; fetch"});
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

}  // namespace
}  // namespace lacuna::testing
