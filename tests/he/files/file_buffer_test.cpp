// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/file_buffer.h>

#include <cstdint>
#include <istream>
#include <ostream>
#include <random>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <lacuna/ntt/error.h>
#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"

namespace lacuna::testing {
namespace {

/// Longer than any buffer.
std::string random_text(std::size_t size) {
    std::mt19937_64 random(size);
    std::string text(size, ' ');
    for (char& character : text) {
        character = static_cast<char>(random());
    }
    return text;
}

TEST(FileBuffer, WritesAndReadsWhatAnOrdinaryStreamDoes) {
    const ScratchFolder folder;
    const std::filesystem::path file = folder / "data";
    for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 1'000'003}) {
        const std::string text = random_text(size);
        {
            FileBuffer buffer(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600),
                              FileBuffer::Mode::write, "data");
            std::ostream stream(&buffer);
            for (std::size_t at = 0, count = 1; at < size; at += count, count = count * 2 + 1) {
                stream << text.substr(at, count);  // pieces of every size
            }
            buffer.synchronise();
            EXPECT_TRUE(stream.good());
            EXPECT_EQ(buffer.written(), size);
        }
        EXPECT_EQ(ScratchFolder::content(file), text);
        FileBuffer buffer(::open(file.c_str(), O_RDONLY), FileBuffer::Mode::read, "data");
        std::istream stream(&buffer);
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), text);
    }
}

TEST(FileBuffer, OwnsItsDescriptor) {
    const ScratchFolder folder;
    const std::filesystem::path file = folder.write("data", "x");
    const int descriptor = ::open(file.c_str(), O_RDONLY);
    {
        const FileBuffer buffer(descriptor, FileBuffer::Mode::read, "data");
        EXPECT_EQ(buffer.descriptor(), descriptor);
        EXPECT_NE(::fcntl(descriptor, F_GETFD), -1);
    }
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

TEST(FileBuffer, NamesTheFileWhereTheSystemRefuses) {
    const ScratchFolder folder;
    const std::filesystem::path file = folder.write("data", "x");
    const auto streamed = [&](int flags, FileBuffer::Mode mode) {
        return message_of([&] {
            FileBuffer buffer(::open(file.c_str(), flags), mode, "secret.key");
            if (mode == FileBuffer::Mode::read) {
                (void)buffer.sgetc();
            } else {
                buffer.sputc('x');
                buffer.synchronise();
            }
        });
    };
    EXPECT_EQ(streamed(O_RDONLY, FileBuffer::Mode::read), "");
    EXPECT_EQ(streamed(O_WRONLY, FileBuffer::Mode::write), "");
    expect_mentions(streamed(O_WRONLY, FileBuffer::Mode::read), {"secret.key", "Bad file descriptor"});
    expect_mentions(streamed(O_RDONLY, FileBuffer::Mode::write), {"secret.key", "Bad file descriptor"});
}

}  // namespace
}  // namespace lacuna::testing
