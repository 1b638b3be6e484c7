// SPDX-License-Identifier: Apache-2.0
#include "tools/number_table.h"

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"
#include "tests/tools/rows_of.h"

namespace lacuna::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Sizes = std::vector<std::size_t>;

/// Two features, of -1 ... 1 and of 0 ... 255.
const RowRequest two = all_rows({2, 1, 1}, {{-1, 1}, {0, 255}});

class NumberTable : public ::testing::Test {
  protected:
    InputRows::Kept read(const std::string& text, const std::string& column = "",
                         const RowRequest& request = two) {
        const auto file = folder_.write("t.csv", text);
        return rows_of(request, [&](InputRows& rows) { read_number_table(file, {column}, rows); });
    }
    void expect_refused(const std::string& text, const std::vector<std::string>& parts,
                        const std::string& column = "", const RowRequest& request = two) {
        expect_mentions(message_of([&] { (void)read(text, column, request); }), parts);
    }

    ScratchFolder folder_;
};

TEST_F(NumberTable, WithAndWithoutHeaderAndLabels) {
    const Bytes pixels = {255, 7, 0, 200};
    EXPECT_EQ(read("1,7\n-1,200\n").pixels, pixels);
    EXPECT_TRUE(read("1,7\n-1,200\n").labels.empty());
    EXPECT_EQ(read("a,b\n1,7\n-1,200").pixels, pixels);
    EXPECT_EQ(read("\xef\xbb\xbf\"a\", \"b\"\r\n\r\n 1.0 ,\"7e0\"\r\n-1, +200.0\r\n").pixels, pixels);
    for (const char* column : {"", "last", "3", "none", "class"}) {
        const std::string name = column;
        const bool none = name == "none";
        const std::string text = none ? "a,b\n1,7\n-1,200\n" : "a,b,class\n1,7,4\n-1,200,0.0\n";
        EXPECT_EQ(read(text, name).pixels, pixels) << name;
        EXPECT_EQ(read(text, name).labels, none ? Sizes{} : (Sizes{4, 0})) << name;
    }
    for (const char* column : {"first", "1", "class"}) {
        EXPECT_EQ(read("class,a,b\n4,1,7\n0,-1,200\n", column).labels, (Sizes{4, 0})) << column;
        EXPECT_EQ(read("class,a,b\n4,1,7\n0,-1,200\n", column).pixels, pixels) << column;
    }
}

TEST_F(NumberTable, PixelsWhereThereAreNoRanges) {
    EXPECT_EQ(read("1,7\n0,255\n", "", all_rows({2, 1, 1})).pixels, (Bytes{1, 7, 0, 255}));
    expect_refused("1,7\n0,256\n", {"t.csv: line 2", "pixels 0 ... 255", "found 256", "element 1"}, "",
                   all_rows({2, 1, 1}));
    expect_refused("1,7\n0,-1\n", {"line 2", "found -1"}, "", all_rows({2, 1, 1}));
    // Numbers in 0 ... 1 are not taken for black.
    expect_refused("0.0,1.0\n", {"line 1", "no ranges", "import"}, "", all_rows({2, 1, 1}));
}

TEST_F(NumberTable, PartsOfItAreRead) {
    RowRequest request = two;
    request.first = 1;
    request.count = 1;
    // What follows is not looked at.
    EXPECT_EQ(read("x,y\n0,1\n0,2\nbroken", "", request).pixels, (Bytes{128, 2}));
}

TEST_F(NumberTable, ErrorsNameTheLine) {
    expect_refused("", {"expected inputs, found none"});
    expect_refused("a,b\n", {"expected inputs, found none"});
    expect_refused("1,2\n\n1,2,3\n", {"t.csv: line 3", "2 columns", "found 3"});
    expect_refused("1,2\n1,\n", {"line 2", "column 2", "found ''"});
    expect_refused("1,2\n1,two\n", {"line 2", "column 2", "found 'two'"});
    expect_refused("1,2\n1,0x1\n", {"line 2", "'0x1'"});
    expect_refused("1,2\n1,nan\n", {"line 2", "finite", "element 1"});
    expect_refused("1,2\n1,1e999\n", {"line 2", "'1e999'"});
    expect_refused("1;2\n", {"line 1", "found 1", "separated by commas"});
    expect_refused("1,2,3,4\n", {"line 1", "2 columns", "one more", "found 4"});
    expect_refused("1,2,0.5\n", {"line 1", "class as a whole number", "column 3", "'0.5'"});
    expect_refused("1,2,-1\n", {"line 1", "from 0 on"});
    expect_refused("1,2,3\n", {"line 1", "expected 2 columns", "found 3"}, "none");
    expect_refused("1,2\n", {"line 1", "expected 3 columns", "and the class"}, "last");
    expect_refused("a,b,c\n1,2,3\n", {"t.csv", "'d'", "1 ... 3", "header"}, "d");
    expect_refused("1,2,3\n", {"t.csv", "'4'", "1 ... 3"}, "4");
    expect_refused(std::string(1 << 17, '1'), {"line 1", "at most", "longer"});
    EXPECT_NE(message_of([&] {
                  InputRows rows(two);
                  read_number_table("/nonexistent.csv", {}, rows);
              }),
              "");
}

}  // namespace
}  // namespace lacuna::testing
