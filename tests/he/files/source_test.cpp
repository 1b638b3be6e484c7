// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/source.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"

namespace lacuna::testing {
namespace {

/// The same bytes from memory, from a stream and from a file; longer than a file's buffer.
class SourceTest : public ::testing::Test {
  protected:
    SourceTest() {
        std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
        file = folder.write("data", std::string(bytes.begin(), bytes.end()));
        stream.str("??" + std::string(bytes.begin(), bytes.end()));
        stream.ignore(2);  // offsets count from where the stream stands
    }

    void for_each(const std::function<void(Source&, bool)>& check) {
        Source memory(bytes, "data");
        check(memory, true);
        Source from_stream(stream, "data");
        check(from_stream, false);
        Source from_file(file);
        check(from_file, true);
    }

    ScratchFolder folder;
    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(300'000);
    std::filesystem::path file;
    std::istringstream stream;
};

TEST_F(SourceTest, ReadsInPiecesOfAnyLength) {
    for_each([&](Source& source, bool knows_its_end) {
        std::vector<std::uint8_t> found;
        for (std::size_t count = 1; found.size() + count <= bytes.size(); count = count * 3 + 1) {
            EXPECT_EQ(source.offset(), found.size());
            EXPECT_EQ(source.remaining().has_value(), knows_its_end);
            if (knows_its_end) {
                EXPECT_EQ(source.remaining(), bytes.size() - found.size());
            }
            EXPECT_FALSE(source.at_end());
            std::vector<std::uint8_t> piece(count);
            source.read(piece, "a piece");
            found.insert(found.end(), piece.begin(), piece.end());
        }
        Source moved = std::move(source);
        std::vector<std::uint8_t> rest(bytes.size());
        rest.resize(moved.read_some(rest));
        found.insert(found.end(), rest.begin(), rest.end());
        EXPECT_EQ(found, bytes);
        EXPECT_TRUE(moved.at_end());
        EXPECT_NO_THROW(moved.expect_end());
        EXPECT_EQ(moved.read_some(rest), 0U);
        source = std::move(moved);
        EXPECT_EQ(source.offset(), bytes.size());
    });
}

TEST_F(SourceTest, SaysWhereTheEndCameTooEarlyOrNotAtAll) {
    for_each([&](Source& source, bool) {
        std::array<std::uint8_t, 5> five{};
        source.read(five, "a start");
        expect_mentions(message_of([&] { source.expect_end(); }),
                        {source.name() + ": offset 5: expected the end, found more bytes"});
        std::vector<std::uint8_t> most(bytes.size() - 7);
        source.read(most, "a middle");
        expect_mentions(message_of([&] { source.read(five, "five bytes"); }),
                        {source.name() + ": offset", "five bytes", "the end"});
    });
    Source memory(bytes, "upload.lct");
    expect_mentions(message_of([&] { memory.fail(17, "a form", "9", "fetch it again"); }),
                    {"upload.lct: offset 17: expected a form, found 9; fetch it again"});
}

TEST_F(SourceTest, NamesFilesThatCannotBeRead) {
    expect_mentions(message_of([&] { Source(folder / "none"); }), {(folder / "none").string()});
    EXPECT_EQ(Source(file).name(), file.string());
    Source empty(folder.write("empty", ""));
    EXPECT_TRUE(empty.at_end());
    EXPECT_EQ(empty.remaining(), 0U);
}

}  // namespace
}  // namespace lacuna::testing
