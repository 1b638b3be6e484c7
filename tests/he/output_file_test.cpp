// SPDX-License-Identifier: Apache-2.0
#include "he/output_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "he/serialize.h"
#include "ntt/error.h"
#include "tests/support/golden.h"
#include "tests/support/records.h"

namespace lacuna::testing {
namespace {

/// A folder of its own for each test.
class OutputFileTest : public ::testing::Test {
  protected:
    OutputFileTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "lacuna-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~OutputFileTest() override { std::filesystem::remove_all(folder); }

    static std::string content(const std::filesystem::path& file) {
        const Bytes bytes = read_bytes(file);
        return {bytes.begin(), bytes.end()};
    }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                      std::filesystem::directory_iterator()));
    }
    static void put(const std::filesystem::path& file, const std::string& text, Overwrite overwrite) {
        write_file(file, Access::everyone, overwrite, [&](std::ostream& stream) { stream << text; });
    }

    std::filesystem::path folder;
};

TEST_F(OutputFileTest, AppearsOnlyWhenComplete) {
    const std::filesystem::path file = folder / "reply.lct";
    write_file(file, Access::everyone, Overwrite::refuse, [&](std::ostream& stream) {
        stream << "half" << std::flush;
        EXPECT_FALSE(std::filesystem::exists(file));
    });
    EXPECT_EQ(content(file), "half");
    EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, AFailingWriterLeavesTheOldFile) {
    const std::filesystem::path file = folder / "reply.lct";
    put(file, "old", Overwrite::refuse);
    EXPECT_THROW(write_file(file, Access::everyone, Overwrite::allow,
                            [](std::ostream& stream) {
                                stream << "new" << std::flush;
                                throw Error("no more");
                            }),
                 Error);
    EXPECT_EQ(content(file), "old");
    EXPECT_EQ(files(), 1U) << "the temporary file is gone";
    put(file, "new", Overwrite::allow);
    EXPECT_EQ(content(file), "new");
}

TEST_F(OutputFileTest, RefusesToReplace) {
    const std::filesystem::path file = folder / "secret.key";
    put(file, "old", Overwrite::refuse);
    EXPECT_THROW(put(file, "new", Overwrite::refuse), Error);
    // And a file that comes up while the new one is being written.
    const std::filesystem::path other = folder / "other.key";
    EXPECT_THROW(write_file(other, Access::owner, Overwrite::refuse,
                            [&](std::ostream& stream) {
                                stream << "late";
                                put(other, "early", Overwrite::refuse);
                            }),
                 Error);
    EXPECT_EQ(content(file), "old");
    EXPECT_EQ(content(other), "early");
    EXPECT_EQ(files(), 2U);
    std::filesystem::create_symlink("nowhere", folder / "link.key");
    EXPECT_THROW(put(folder / "link.key", "new", Overwrite::refuse), Error)
        << "a dangling link is something too";
}

TEST_F(OutputFileTest, SecretKeysAreTheirOwnersAlone) {
    const GoldenObjects golden;
    const std::filesystem::path file = folder / "secret.key";
    const mode_t old_mask = ::umask(0);
    write_file(folder / "probe", Access::owner, Overwrite::refuse, [&](std::ostream&) {
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            struct stat status {};
            EXPECT_EQ(::stat(entry.path().c_str(), &status), 0);
            EXPECT_EQ(status.st_mode & 0777, 0600U) << "before the first byte";
        }
    });
    save_file(file, golden.ring, golden.secret_key(), Overwrite::refuse);
    save_file(folder / "seeded.lct", golden.ring, golden.seeded_ciphertext(), Overwrite::refuse);
    ::umask(old_mask);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    ASSERT_EQ(::stat((folder / "seeded.lct").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0666U);
    EXPECT_EQ(load_secret_key(file, golden.ring).s, golden.secret_key().s);
}

TEST_F(OutputFileTest, SaysWhatIsWrong) {
    const auto message = [](const std::filesystem::path& file) -> std::string {
        try {
            put(file, "x", Overwrite::allow);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_NE(message(folder / "missing" / "x").find("No such file or directory"), std::string::npos);
    EXPECT_NE(message(folder).find("found a folder"), std::string::npos);
    EXPECT_THROW((void)Source(folder / "missing"), Error);
    Source opened(folder);
    std::array<std::uint8_t, 4> bytes{};
    EXPECT_THROW(opened.read(bytes, "header"), Error) << "a folder can be opened but not read";
}

/// A full disk, played by the limit on file sizes.
TEST_F(OutputFileTest, AFullDiskLeavesTheOldFile) {
    const std::filesystem::path file = folder / "upload.lct";
    put(file, "old", Overwrite::refuse);
    rlimit old_limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    const rlimit small{100'000, old_limit.rlim_max};
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    std::string message;
    try {
        put(file, std::string(300'000, 'x'), Overwrite::allow);
    } catch (const Error& error) {
        message = error.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &old_limit);
    std::signal(SIGXFSZ, old_handler);
    EXPECT_NE(message.find(file.string() + ": cannot write: File too large"), std::string::npos) << message;
    EXPECT_EQ(content(file), "old");
    EXPECT_EQ(files(), 1U);
}

}  // namespace
}  // namespace lacuna::testing
