// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/output_file.h>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <lacuna/he/files/serialize.h>
#include <lacuna/he/files/temporary_files.h>
#include <lacuna/ntt/error.h>
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

/// What a process that was killed while it wrote leaves behind: its locks are gone, its files are not.
void write_and_die(const std::filesystem::path& file) {
    const pid_t child = ::fork();
    if (child == 0) {
        OutputFile output(file, Access::everyone, Overwrite::allow);
        output.stream() << "half" << std::flush;
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
}

TEST_F(OutputFileTest, RemovesWhatAKilledProcessLeft) {
    const std::filesystem::path file = folder / "reply.lct";
    write_and_die(file);
    ASSERT_EQ(files(), 1U);
    put(file, "whole", Overwrite::refuse);
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ(content(file), "whole");
}

TEST_F(OutputFileTest, LeavesWhatSomebodyIsWriting) {
    const std::filesystem::path file = folder / "reply.lct";
    OutputFile slow(file, Access::everyone, Overwrite::allow);
    slow.stream() << "slow";
    put(file, "quick", Overwrite::allow);
    EXPECT_EQ(files(), 2U);
    slow.commit();
    EXPECT_EQ(content(file), "slow");
    EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, SweepsNothingElse) {
    const std::filesystem::path file = folder / "reply.lct";
    const std::vector<std::string> others = {".reply.lct.tmp", ".reply.lct.x1.tmp", ".reply.lct.12.tmp.old",
                                             ".other.lct.12.tmp", "reply.lct.12.tmp"};
    for (const std::string& other : others) {
        put(folder / other, "mine", Overwrite::refuse);
    }
    std::filesystem::create_directory(folder / ".reply.lct.12.tmp");
    put(folder / ".reply.lct.12.tmp" / "inside", "mine", Overwrite::refuse);
    std::filesystem::create_symlink("other", folder / ".reply.lct.13.tmp");
    put(file, "whole", Overwrite::refuse);
    EXPECT_EQ(files(), others.size() + 3);
}

TEST_F(OutputFileTest, RemovesItsTemporaryWhenTheProcessEndsWithoutUnwinding) {
    const std::filesystem::path file = folder / "reply.lct";
    OutputFile output(file, Access::everyone, Overwrite::allow);
    ASSERT_EQ(files(), 1U);
    remove_temporaries();
    EXPECT_EQ(files(), 0U);
    EXPECT_THROW(output.commit(), Error);
}

TEST_F(OutputFileTest, WritesIntoDevicesAndPipes) {
    for (const Overwrite overwrite : {Overwrite::refuse, Overwrite::allow}) {
        OutputFile null("/dev/null", Access::everyone, overwrite);
        null.stream() << "gone";
        null.commit();
        EXPECT_EQ(null.bytes(), 4U);
        EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
    }
    EXPECT_THROW(put("/dev/full", "x", Overwrite::allow), Error);
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
    EXPECT_THROW(write_file("/dev/null", Access::owner, Overwrite::allow, [](std::ostream&) {}), Error);

    const std::filesystem::path pipe = folder / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::string received;
    std::thread reader([&] { received = content(pipe); });
    put(pipe, "through", Overwrite::allow);
    reader.join();
    EXPECT_EQ(received, "through");
    EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST_F(OutputFileTest, ADeviceNodeOfItsOwnStaysOne) {
    const std::filesystem::path node = folder / "null";
    if (::mknod(node.c_str(), S_IFCHR | 0600, ::makedev(1, 3)) != 0) {
        GTEST_SKIP() << "only root makes device nodes";
    }
    try {
        put(node, "gone", Overwrite::allow);
    } catch (const Error&) {
        // A file system mounted with nodev.
    }
    EXPECT_TRUE(std::filesystem::is_character_file(node));
    const std::filesystem::path disk = folder / "disk";
    ASSERT_EQ(::mknod(disk.c_str(), S_IFBLK | 0600, ::makedev(7, 250)), 0);
    EXPECT_THROW(put(disk, "x", Overwrite::allow), Error);
    EXPECT_TRUE(std::filesystem::is_block_file(disk));
}

TEST_F(OutputFileTest, ALinkStaysAndItsTargetIsReplaced) {
    put(folder / "target.lct", "old", Overwrite::refuse);
    std::filesystem::create_symlink("target.lct", folder / "link.lct");
    put(folder / "link.lct", "new", Overwrite::allow);
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.lct"));
    EXPECT_EQ(content(folder / "target.lct"), "new");
}

}  // namespace
}  // namespace lacuna::testing
