// SPDX-License-Identifier: Apache-2.0
#include "tools/data_set.h"

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"
#include "tools/command.h"

namespace lacuna::testing {
namespace {

using Sizes = std::vector<std::size_t>;

std::string word(std::size_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += static_cast<char>(value >> shift);
    }
    return text;
}

/// Images of 1 x 2 pixels, (label, 255) each, and the labels.
std::string idx_images(const std::string& labels) {
    std::string text = word(0x803) + word(labels.size()) + word(1) + word(2);
    for (const char label : labels) {
        text += label;
        text += '\xff';
    }
    return text;
}
std::string idx_labels(const std::string& labels) {
    return word(0x801) + word(labels.size()) + labels;
}

class DataSetTest : public ::testing::Test {
  protected:
    DataSet read(const std::vector<std::string>& names, const DataOptions& options = {},
                 const Shape& shape = {1, 1, 2}) {
        DataOptions all = options;
        for (const std::string& name : names) {
            all.paths.push_back((folder_ / name).string());
        }
        return all.read(shape, {}, {});
    }
    std::string problem(const std::vector<std::string>& names, const DataOptions& options = {},
                        const Shape& shape = {1, 1, 2}) {
        return message_of([&] { (void)read(names, options, shape); });
    }

    ScratchFolder folder_;
};

DataOptions with_part(const std::string& part) {
    DataOptions options;
    options.part = part;
    return options;
}

TEST_F(DataSetTest, FoldersOfIdxFilesHaveTwoParts) {
    std::filesystem::create_directory(folder_ / "digits");
    folder_.write("digits/t10k-images-idx3-ubyte", idx_images("\1\2\3"));
    folder_.write("digits/t10k-labels-idx1-ubyte", idx_labels("\1\2\3"));
    expect_mentions(problem({"digits"}, with_part("train")), {"digits", "training set", "--part test"});
    folder_.write("digits/train-images-idx3-ubyte", idx_images("\4\5"));
    expect_mentions(problem({"digits"}, with_part("train")), {"train-images", "train-labels-idx1-ubyte"});
    folder_.write("digits/train-labels-idx1-ubyte", idx_labels("\4\5\6"));
    expect_mentions(problem({"digits"}, with_part("train")), {"2 labels", "found 3"});
    folder_.write("digits/train-labels-idx1-ubyte", idx_labels("\4\5"));

    const DataSet test = read({"digits"});
    EXPECT_EQ(test.part, DataPart::test);
    EXPECT_EQ(test.title, "digits, test set");
    EXPECT_EQ(test.labels, (Sizes{1, 2, 3}));
    EXPECT_EQ(test.pixels, (std::vector<std::uint8_t>{1, 255, 2, 255, 3, 255}));
    const DataSet train = read({"digits/"}, with_part("train"));
    EXPECT_EQ(train.part, DataPart::train);
    EXPECT_EQ(train.title, "digits, training set");
    EXPECT_EQ(train.labels, (Sizes{4, 5}));
    const DataSet files = read({"digits/t10k-images-idx3-ubyte", "digits/t10k-labels-idx1-ubyte"});
    EXPECT_EQ(files.part, DataPart::test);
    EXPECT_EQ(files.labels, (Sizes{1, 2, 3}));
    EXPECT_TRUE(read({"digits/train-images-idx3-ubyte"}).labels.empty());
    DataOptions middle;
    middle.first = 1;
    middle.count = 1;
    EXPECT_EQ(read({"digits"}, middle).labels, (Sizes{2}));
    EXPECT_EQ(read({"digits"}, middle).first, 1U);
    expect_mentions(problem({"digits"}, {}, {1, 2, 2}), {"1 x 2 x 2", "found 1 x 2"});
}

TEST_F(DataSetTest, FoldersOfCifarFilesHaveTwoParts) {
    std::filesystem::create_directory(folder_ / "cifar");
    const auto record = [](char label) { return std::string(1, label) + std::string(3072, '\7'); };
    folder_.write("cifar/data_batch_2.bin", record(2));
    folder_.write("cifar/data_batch_1.bin", record(1));
    const Shape shape{3, 32, 32};
    expect_mentions(problem({"cifar"}, {}, shape), {"cifar", "test set", "--part train"});
    folder_.write("cifar/test_batch.bin", record(3));
    EXPECT_EQ(read({"cifar"}, with_part("train"), shape).labels, (Sizes{1, 2}));
    EXPECT_EQ(read({"cifar"}, {}, shape).labels, (Sizes{3}));
    EXPECT_EQ(read({"cifar/data_batch_2.bin", "cifar/test_batch.bin"}, {}, shape).labels, (Sizes{2, 3}));
    folder_.write("cifar/data_batch_3.bin.xz", "x");
    expect_mentions(problem({"cifar"}, with_part("train"), shape), {"data_batch_3.bin.xz", "uncompress"});
}

TEST_F(DataSetTest, PicturesTablesAndTheRest) {
    std::filesystem::create_directories(folder_ / "pets/cat");
    folder_.write("pets/cat/1.pgm", "P2 2 1 255 5 6");
    const DataSet pets = read({"pets"});
    EXPECT_EQ(pets.class_names, (std::vector<std::string>{"cat"}));
    EXPECT_EQ(pets.labels, (Sizes{0}));
    EXPECT_EQ(pets.part, DataPart::unknown);
    EXPECT_EQ(pets.title, "pets");
    expect_mentions(problem({"pets"}, with_part("test")), {"pets", "--part", "neither"});
    folder_.write("rows.CSV", "1,2,3\n");
    EXPECT_EQ(read({"rows.CSV"}).labels, (Sizes{3}));
    DataOptions column;
    column.label_column = "first";
    EXPECT_EQ(read({"rows.CSV"}, column).labels, (Sizes{1}));
    folder_.write("x.txt", "hello");
    expect_mentions(problem({"x.txt"}), {"x.txt", "X.npy and Y.npy", "another file"});
    expect_mentions(problem({"absent"}), {"absent", "nothing"});
    expect_mentions(problem({"rows.CSV", "x.txt"}), {"x.txt", "one table"});
    expect_mentions(problem({"pets", "x.txt"}), {"x.txt", "one folder"});
    folder_.write("a.npy", "");
    expect_mentions(problem({"a.npy", "a.npy", "x.txt"}), {"x.txt", "third file"});
    EXPECT_THROW((void)read({"rows.CSV"}, with_part("test")), UsageError);
    EXPECT_THROW((void)read({"pets"}, column), UsageError);
}

TEST_F(DataSetTest, TheInputShapeIsHeldAgainstTheModel) {
    folder_.write("rows.csv", "1,2\n");
    DataOptions options;
    options.input_shape = "1,1,2";
    EXPECT_EQ(read({"rows.csv"}, options).count, 1U);
    options.input_shape = "2";
    EXPECT_EQ(read({"rows.csv"}, options, {2, 1, 1}).count, 1U);
    expect_mentions(problem({"rows.csv"}, options), {"--input-shape", "1 x 1 x 2", "found 2 x 1 x 1"});
    for (const char* bad :
         {"1,2", "1,1,2,", "1,1,2,1", "0,1,2", "a", "1,1,-2", ",", "1,,2", "99999999,1,1"}) {
        options.input_shape = bad;
        EXPECT_THROW((void)read({"rows.csv"}, options), UsageError) << bad;
    }
}

}  // namespace
}  // namespace lacuna::testing
