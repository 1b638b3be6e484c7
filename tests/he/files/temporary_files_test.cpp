// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/temporary_files.h>

#include <filesystem>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/support/scratch_folder.h"

namespace lacuna::testing {
namespace {

bool ends_in_tmp(std::string_view name) {
    return name.ends_with(".tmp");
}
bool ends_in_part(std::string_view name) {
    return name.ends_with(".part");
}

TEST(TemporaryFiles, KnowTheNamesThatOutputFilesGive) {
    EXPECT_TRUE(is_temporary_of(".a.json.1.tmp", "a.json"));
    EXPECT_TRUE(is_temporary_of(".a.json.0123456789.tmp", "a.json"));
    for (const char* other :
         {"", ".", "a.json", ".a.json.tmp", ".a.json..tmp", ".a.json.1x.tmp", ".a.json.-1.tmp",
          "a.json.1.tmp", ".b.json.1.tmp", ".a.json.1.tmp2", ".a.json.1", ".a.json.old.1.tmp"}) {
        EXPECT_FALSE(is_temporary_of(other, "a.json")) << other;
    }
}

TEST(TemporaryFiles, SweepTakesWhatNobodyHolds) {
    const ScratchFolder folder;
    const std::filesystem::path left = folder.write("left.tmp", "x");
    const std::filesystem::path held = folder.write("held.tmp", "x");
    const std::filesystem::path other = folder.write("other", "x");
    std::filesystem::create_symlink(other, folder / "link.tmp");
    const int descriptor = ::open(held.c_str(), O_RDWR);
    ASSERT_GE(descriptor, 0);
    ASSERT_EQ(::flock(descriptor, LOCK_EX | LOCK_NB), 0);
    sweep_temporaries(folder.path(), ends_in_tmp, ends_in_part);
    EXPECT_FALSE(std::filesystem::exists(left));
    EXPECT_TRUE(std::filesystem::exists(held));
    EXPECT_TRUE(std::filesystem::exists(other));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.tmp"));
    ::close(descriptor);  // as the kernel does for a process that was killed
    sweep_temporaries(folder.path(), ends_in_tmp, ends_in_part);
    EXPECT_FALSE(std::filesystem::exists(held));
    sweep_temporaries(folder / "none", ends_in_tmp, ends_in_part);  // nothing there, nothing said
}

TEST(TemporaryFiles, FoldersGoWithContentThatIsExpectedAlone) {
    const ScratchFolder folder;
    for (const char* name : {"good.tmp", "mixed.tmp", "empty.tmp", "deep.tmp"}) {
        std::filesystem::create_directory(folder / name);
    }
    folder.write("good.tmp/a.part", "x");
    folder.write("good.tmp/b.part", "x");
    folder.write("mixed.tmp/a.part", "x");
    folder.write("mixed.tmp/notes.txt", "x");
    std::filesystem::create_directory(folder / "deep.tmp/x.part");
    sweep_temporaries(folder.path(), ends_in_tmp, ends_in_part);
    EXPECT_FALSE(std::filesystem::exists(folder / "good.tmp"));
    EXPECT_FALSE(std::filesystem::exists(folder / "empty.tmp"));
    EXPECT_TRUE(std::filesystem::exists(folder / "mixed.tmp/a.part"));
    EXPECT_TRUE(std::filesystem::exists(folder / "deep.tmp/x.part"));
}

TEST(TemporaryFiles, ClaimsFailWhereTheNameIsGoneOrTaken) {
    const ScratchFolder folder;
    const std::filesystem::path file = folder.write("mine.tmp", "x");
    const int mine = ::open(file.c_str(), O_RDWR);
    const int theirs = ::open(file.c_str(), O_RDWR);
    EXPECT_TRUE(claim_temporary(mine, file));
    EXPECT_FALSE(claim_temporary(theirs, file));  // locked already
    forget_temporary(file);
    ::close(mine);
    std::filesystem::remove(file);
    EXPECT_FALSE(claim_temporary(theirs, file));  // swept: the name leads nowhere
    folder.write("mine.tmp", "another");
    EXPECT_FALSE(claim_temporary(theirs, file));  // or to another file
    ::close(theirs);
    remove_temporaries();
    EXPECT_TRUE(std::filesystem::exists(file)) << "a claim that failed is no longer noted";
}

TEST(TemporaryFiles, EndOfAProcessRemovesWhatIsNoted) {
    const ScratchFolder folder;
    const std::filesystem::path kept = folder.write("kept", "x");
    const std::filesystem::path gone = folder.write("gone", "x");
    std::filesystem::create_directory(folder / "full");
    folder.write("full/a", "x");
    std::filesystem::create_directory(folder / "whole");
    folder.write("whole/a", "x");
    note_temporary(kept, Removal::alone);
    note_temporary(folder / "full", Removal::alone);
    note_temporary(folder / "whole", Removal::with_content);
    note_temporary(gone, Removal::alone);
    forget_temporary(kept);
    remove_temporaries();
    EXPECT_TRUE(std::filesystem::exists(kept));
    EXPECT_FALSE(std::filesystem::exists(gone));
    EXPECT_TRUE(std::filesystem::exists(folder / "full/a"));
    EXPECT_FALSE(std::filesystem::exists(folder / "whole"));
}

}  // namespace
}  // namespace lacuna::testing
