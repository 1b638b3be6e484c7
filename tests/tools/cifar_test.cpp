// SPDX-License-Identifier: Apache-2.0
#include "tools/cifar.h"

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"
#include "tests/tools/rows_of.h"

namespace lacuna::testing {
namespace {

constexpr std::size_t pixels = 3 * 32 * 32;

std::string record(int label, char first) {
    std::string text(1, static_cast<char>(label));
    for (std::size_t i = 0; i < pixels; ++i) {
        text += static_cast<char>(first + static_cast<char>(i));
    }
    return text;
}

InputRows::Kept read(const std::string& text, RowRequest request = all_rows({3, 32, 32})) {
    const ScratchFolder folder;
    const auto file = folder.write("test_batch.bin", text);
    return rows_of(std::move(request), [&](InputRows& rows) { read_cifar(file, rows); });
}

TEST(Cifar, RecordsBecomeRows) {
    const auto kept = read(record(9, 0) + record(0, 5));
    EXPECT_EQ(kept.labels, (std::vector<std::size_t>{9, 0}));
    ASSERT_EQ(kept.pixels.size(), 2 * pixels);
    EXPECT_EQ(kept.pixels[1], 1);
    EXPECT_EQ(kept.pixels[pixels], 5);
    EXPECT_EQ(kept.pixels[pixels + 300], (5 + 300) % 256);
    RowRequest second = all_rows({3, 32, 32});
    second.first = 1;
    EXPECT_EQ(read(record(9, 0) + record(0, 5), second).labels, (std::vector<std::size_t>{0}));
}

TEST(Cifar, ErrorsNameTheRecord) {
    const auto problem = [](const std::string& text, const Shape& shape = {3, 32, 32}) {
        return message_of([&] { (void)read(text, all_rows(shape)); });
    };
    expect_mentions(problem(""), {"expected inputs, found none"});
    expect_mentions(problem(record(1, 0) + record(1, 0).substr(1)),
                    {"test_batch.bin: record 1", "3073 bytes", "found 3072"});
    expect_mentions(problem(record(1, 0) + record(10, 0)), {"record 1", "label 0 ... 9", "found 10"});
    expect_mentions(problem(record(1, 0), {1, 28, 28}), {"1 x 28 x 28", "3 x 32 x 32"});
    expect_mentions(problem(record(1, 0), {32, 32, 3}), {"32 x 32 x 3", "channels first"});
}

}  // namespace
}  // namespace lacuna::testing
