// SPDX-License-Identifier: Apache-2.0
#include "tools/picture_folder.h"

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"
#include "tests/tools/rows_of.h"

namespace lacuna::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Names = std::vector<std::string>;

class PictureFolder : public ::testing::Test {
  protected:
    void picture(const std::string& name, int value) {
        std::filesystem::create_directories((folder_ / name).parent_path());
        folder_.write(name, "P2 2 1 255 " + std::to_string(value) + " 255");
    }
    InputRows::Kept read(RowRequest request = all_rows({1, 1, 2})) {
        return rows_of(std::move(request),
                       [&](InputRows& rows) { names_ = read_picture_folder(folder_.path(), rows); });
    }
    std::string problem() {
        return message_of([&] { (void)read(); });
    }

    ScratchFolder folder_;
    Names names_;
};

TEST_F(PictureFolder, AFolderIsAClass) {
    picture("cat/2.pgm", 2);
    picture("cat/1.PGM", 1);
    picture("dog/1.pgm", 3);
    picture("ant/1.pgm", 4);
    folder_.write("cat/.hidden", "x");
    folder_.write(".hidden", "x");
    const auto kept = read();
    EXPECT_EQ(names_, (Names{"ant", "cat", "dog"}));
    EXPECT_EQ(kept.pixels, (Bytes{4, 255, 1, 255, 2, 255, 3, 255}));
    EXPECT_EQ(kept.labels, (std::vector<std::size_t>{0, 1, 1, 2}));
    RowRequest request = all_rows({1, 1, 2});
    request.first = 1;
    request.count = 2;
    EXPECT_EQ(read(request).labels, (std::vector<std::size_t>{1, 1}));
    EXPECT_EQ(names_.size(), 3U);
}

TEST_F(PictureFolder, AFlatOneHasNoLabels) {
    picture("b.pgm", 2);
    picture("a.pgm", 1);
    const auto kept = read();
    EXPECT_EQ(kept.pixels, (Bytes{1, 255, 2, 255}));
    EXPECT_TRUE(kept.labels.empty());
    EXPECT_TRUE(names_.empty());
}

TEST_F(PictureFolder, NothingIsLeftOutUnseen) {
    expect_mentions(problem(), {"expected inputs, found none"});
    picture("cat/1.pgm", 1);
    folder_.write("cat/2.jpg", "x");
    expect_mentions(problem(), {"2.jpg", "PNG and PGM", "convert"});
    std::filesystem::remove(folder_ / "cat/2.jpg");
    picture("cat/more/1.pgm", 1);
    expect_mentions(problem(), {"more", "a class is one folder"});
    std::filesystem::remove_all(folder_ / "cat/more");
    folder_.write("labels.txt", "x");
    expect_mentions(problem(), {"1 folders", "labels.txt"});
    std::filesystem::remove(folder_ / "labels.txt");
    folder_.write("cat/3.pgm", "P2 3 1 255 1 2 3");
    expect_mentions(problem(), {"3.pgm", "2 x 1", "3 x 1"});
    folder_.write("cat/3.pgm", "P2 2");
    expect_mentions(problem(), {"3.pgm", "height"});
}

}  // namespace
}  // namespace lacuna::testing
