// SPDX-License-Identifier: Apache-2.0
#include "tools/key_folder.h"
#include "tests/support/places.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/ntt/error.h>
#include "tests/support/child_process.h"
#include "tests/tools/small_model.h"

namespace lacuna::testing {
namespace {

namespace fs = std::filesystem;

const std::set<std::string> key_files = {"client.json", "evaluation.keys", "key_set.id", "public.key",
                                         "secret.key"};

std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

mode_t mode_of(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

/// The client's half of a plan with small keys: one linear layer.
const ClientPlan& small_plan() {
    static const ClientPlan plan = [] {
        PlanRequest request;
        request.packing = Packing::slots;
        request.privacy_bits = 0;
        return make_plan(test::small_model(), request).client;
    }();
    return plan;
}

std::function<Passphrase()> never_asked() {
    return []() -> Passphrase { throw Error("asked for a passphrase"); };
}

/// The five files are there, belong together and are this client's.
void expect_keys_of(const Client& client, const fs::path& folder) {
    const KeyFolder keys(folder);
    EXPECT_EQ(keys.client(never_asked()).secret_key().s, client.secret_key().s);
    EXPECT_EQ(mode_of(folder / "secret.key"), 0600U);
}

class KeyFolderTest : public ::testing::Test {
  protected:
    void save(const fs::path& where, Overwrite overwrite = Overwrite::refuse) const {
        KeyFolder(where).save(client, keys, overwrite);
    }
    TemporaryFolder folder;
    Client client{small_plan()};
    EvaluationKeys keys = client.evaluation_keys();
};

TEST_F(KeyFolderTest, MakesANewFolderForItsOwnerAlone) {
    save(folder / "keys");
    EXPECT_EQ(names_in(folder / "keys"), key_files);
    EXPECT_EQ(mode_of(folder / "keys"), 0700U);
    EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"keys"}));
    expect_keys_of(client, folder / "keys");
}

TEST_F(KeyFolderTest, TheFirstOfSeveralWins) {
    constexpr int rounds = 12;
    constexpr int rivals = 4;
    for (int round = 0; round < rounds; ++round) {
        const fs::path where = folder / std::to_string(round);
        if (round % 2 == 0) {
            fs::create_directory(where);
        }
        std::vector<Client> clients;
        clients.reserve(rivals);
        for (int i = 0; i < rivals; ++i) {
            clients.emplace_back(small_plan());
        }
        std::vector<std::string> problems(rivals);
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < rivals; ++i) {
                threads.emplace_back([&, i] {
                    try {
                        KeyFolder(where).save(clients[static_cast<std::size_t>(i)],
                                              clients[static_cast<std::size_t>(i)].evaluation_keys(),
                                              Overwrite::refuse);
                    } catch (const Error& error) {
                        problems[static_cast<std::size_t>(i)] = error.what();
                    }
                });
            }
        }
        ASSERT_EQ(std::count(problems.begin(), problems.end(), ""), 1) << problems[0] << problems[1];
        for (int i = 0; i < rivals; ++i) {
            const std::string& problem = problems[static_cast<std::size_t>(i)];
            if (problem.empty()) {
                expect_keys_of(clients[static_cast<std::size_t>(i)], where);
            } else {
                EXPECT_NE(problem.find("exists already"), std::string::npos) << problem;
            }
        }
        EXPECT_EQ(names_in(where), key_files);
    }
}

/// One that has checked early and comes late does not replace what has come up in the meantime.
TEST_F(KeyFolderTest, ALateOneReplacesNothing) {
    const fs::path where = folder / "keys";
    const KeyFolder late(where);
    late.check_free(Overwrite::refuse);
    save(where);
    const Client other(small_plan());
    EXPECT_THROW(late.save(other, other.evaluation_keys(), Overwrite::refuse), Error);
    expect_keys_of(client, where);
    EXPECT_EQ(names_in(where), key_files);
}

TEST_F(KeyFolderTest, KeepsTheFolderThatIsThere) {
    const fs::path where = folder / "keys";
    fs::create_directory(where);
    ASSERT_EQ(::chmod(where.c_str(), 02770), 0);
    fs::create_directory(where / "lost+found");  // as on a fresh volume
    struct stat before {};
    ASSERT_EQ(::stat(where.c_str(), &before), 0);
    for (const Overwrite overwrite : {Overwrite::refuse, Overwrite::allow}) {
        save(where, overwrite);
        struct stat after {};
        ASSERT_EQ(::stat(where.c_str(), &after), 0);
        EXPECT_EQ(after.st_ino, before.st_ino);
        EXPECT_EQ(mode_of(where), 02770U);
        EXPECT_EQ(mode_of(where / "secret.key"), 0600U);
    }
}

/// Root may write anywhere, so the folder above is made one that cannot be written at all: /proc.
TEST_F(KeyFolderTest, WritesIntoAFolderWhoseParentCannotBeWritten) {
    const int descriptor = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_GE(descriptor, 0);
    const fs::path where = "/proc/self/fd/" + std::to_string(descriptor);
    save(where);
    EXPECT_EQ(names_in(folder.path()), key_files);
    ::close(descriptor);
}

TEST_F(KeyFolderTest, ACommandMayNameItsOwnFolder) {
    write_text(folder / "client.json.txt", format_client_plan(small_plan()));
    const fs::path where = folder / "here";
    fs::create_directory(where);
    for (const std::vector<std::string>& out :
         {std::vector<std::string>{"."}, {"./", "--force"}, {"../here/.", "--force"}}) {
        std::vector<std::string> arguments = {"keygen", "--client", "../client.json.txt", "--out"};
        arguments.insert(arguments.end(), out.begin(), out.end());
        const CommandResult result = run_lacuna(arguments, {where, {}});
        EXPECT_EQ(result.code, 0) << result.errors;
        EXPECT_EQ(names_in(where), key_files);
    }
}

TEST_F(KeyFolderTest, RemovesWhatKilledProcessesLeft) {
    const fs::path where = folder / "keys";
    fs::create_directories(where / ".keys.Ab3xYz");
    write_text(where / ".keys.Ab3xYz/secret.key", "secret");
    write_text(where / ".keys.Ab3xYz/.public.key.123000.tmp", "half");
    fs::create_directories(folder / ".keys.Zz9aaa");  // as earlier releases left them
    write_text(folder / ".keys.Zz9aaa/secret.key", "secret");
    // Neither of these is a leftover.
    fs::create_directories(folder / ".keys.backup");
    write_text(folder / ".keys.backup/notes.txt", "mine");
    fs::create_directories(folder / ".keys.old");
    save(where);
    EXPECT_EQ(names_in(where), key_files);
    EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{".keys.backup", ".keys.old", "keys"}));
}

TEST_F(KeyFolderTest, LeavesWhatSomebodyIsMaking) {
    const fs::path where = folder / "keys";
    fs::create_directories(where / ".keys.Ab3xYz");
    write_text(where / ".keys.Ab3xYz/secret.key", "secret");
    const int descriptor = ::open((where / ".keys.Ab3xYz").c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
    save(where);
    EXPECT_EQ(read_text(where / ".keys.Ab3xYz/secret.key"), "secret");
    ::close(descriptor);
    save(where, Overwrite::allow);
    EXPECT_EQ(names_in(where), key_files);
}

/// A process is killed between the moves: whoever comes next, even only to read, finishes them.
TEST_F(KeyFolderTest, FinishesWhatWasReady) {
    const fs::path where = folder / "keys";
    save(where);
    const Client other(small_plan());
    KeyFolder(folder / "other").save(other, other.evaluation_keys(), Overwrite::refuse);
    fs::create_directory(where / ".keys.ready");
    for (const char* name : {"public.key", "evaluation.keys", "client.json", "key_set.id"}) {
        fs::rename(folder / "other" / name, where / ".keys.ready" / name);
    }
    fs::rename(folder / "other/secret.key", where / "secret.key");  // the first move was done
    KeyFolder(where).complete();
    EXPECT_EQ(names_in(where), key_files);
    expect_keys_of(other, where);
}

TEST_F(KeyFolderTest, AKilledKeygenLeavesAFolderThatTheNextOneTakes) {
    write_text(folder / "plan.json", format_client_plan(small_plan()));
    const std::vector<std::string> arguments = {"keygen", "--client", "plan.json", "--out", "keys"};
    bool finished = false;
    for (int wait = 2'000; !finished; wait += wait / 2) {
        fs::remove_all(folder / "keys");
        ChildProcess process(test::lacuna_command(), arguments, {folder.path(), {}});
        ::usleep(static_cast<useconds_t>(wait));
        finished = !process.running();
        process.send(SIGKILL);
        (void)process.wait();
        std::vector<std::string> again = arguments;
        again.emplace_back("--force");
        const CommandResult result = run_lacuna(again, {folder.path(), {}});
        EXPECT_EQ(result.code, 0) << result.errors;
        EXPECT_EQ(names_in(folder / "keys"), key_files);
        EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"keys", "plan.json"}));
    }
}

TEST_F(KeyFolderTest, AFailureLeavesNothing) {
    const fs::path where = folder / "keys";
    write_text(folder / "plan.json", format_client_plan(small_plan()));
    // The limit on file sizes is in blocks of 512 bytes: too small for the keys, and nothing to die of.
    const CommandResult result = [&] {
        ChildProcess process(
            "/bin/sh",
            {"-c", "ulimit -f 4; exec \"$0\" keygen --client plan.json --out keys", test::lacuna_command()},
            {folder.path(), {}});
        CommandResult ended;
        ended.code = process.wait();
        ended.output = process.output();
        ended.errors = process.errors();
        return ended;
    }();
    expect_failure(result, 1, {"cannot write", "File too large"});
    EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"plan.json"}));
}

TEST_F(KeyFolderTest, ASecretKeyUnderAPassphrase) {
    write_text(folder / "pass.txt", "correct horse\nsecond line\n");
    write_text(folder / "wrong.txt", "battery staple\n");
    write_text(folder / "plan.json", format_client_plan(small_plan()));
    const auto run = [&](const std::string& command) {
        ChildProcess process("/bin/sh", {"-c", "exec setsid \"$0\" " + command, test::lacuna_command()},
                             {folder.path(), {}});
        CommandResult result;
        result.code = process.wait();
        result.output = process.output();
        result.errors = process.errors();
        return result;
    };
    const CommandResult made = run("keygen --client plan.json --out keys --passphrase-file pass.txt");
    ASSERT_EQ(made.code, 0) << made.errors;
    EXPECT_NE(made.output.find("under the passphrase"), std::string::npos);
    EXPECT_EQ(mode_of(folder / "keys/secret.key"), 0600U);
    EXPECT_NE(run("inspect keys/secret.key").output.find("secret key under a passphrase"), std::string::npos);
    write_text(folder / "image.csv", "0,255,3,200\n");
    const std::string encrypt = "encrypt --keys keys --images image.csv --out upload.lct --force";
    EXPECT_EQ(run(encrypt + " --passphrase-file pass.txt").code, 0);
    EXPECT_EQ(run("decrypt --keys keys --in upload.lct --passphrase-file pass.txt").errors.find("passphrase"),
              std::string::npos)
        << "the key opens; an upload is no reply";
    expect_failure(run(encrypt + " --passphrase-file wrong.txt"), 1,
                   {"secret.key", "passphrase", "another one"});
    expect_failure(run(encrypt), 1, {"secret.key", "terminal", "--passphrase-file"});
    expect_failure(run("keygen --client plan.json --out more --passphrase"), 1,
                   {"terminal", "--passphrase-file"});
    expect_failure(run("keygen --client plan.json --out more --passphrase --passphrase-file pass.txt"), 2,
                   {"--passphrase"});
    write_text(folder / "pass.txt", "\n");
    expect_failure(run(encrypt + " --passphrase-file pass.txt"), 1, {"pass.txt", "1 to 1024 bytes, found 0"});
    EXPECT_FALSE(fs::exists(folder / "more"));
}

}  // namespace
}  // namespace lacuna::testing
