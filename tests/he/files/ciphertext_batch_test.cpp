// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/ciphertext_batch.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/encryptor.h>
#include "tests/support/serialization.h"

namespace lacuna::testing {
namespace {

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

}  // namespace
}  // namespace lacuna::testing
