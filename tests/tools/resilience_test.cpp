// SPDX-License-Identifier: Apache-2.0
//
// The command under signals, limits and names that mean no good.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/model.h>
#include "tests/support/child_process.h"
#include "tests/support/places.h"
#include "tests/tools/small_model.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

using Arguments = std::vector<std::string>;

/// A command line for the shell, which knows the command as "$0".
CommandResult run_shell(const std::string& line, const ChildProcess::Setting& setting = {}) {
    ChildProcess process("/bin/sh", {"-c", line, test::lacuna_command()}, setting);
    CommandResult result;
    result.code = process.wait();
    result.output = process.output();
    result.errors = process.errors();
    return result;
}

std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

/// Folder with model.lacuna.json, client.json, keys and image.csv, and an upload and its reply.
const fs::path& prepared() {
    static const TemporaryFolder folder;
    static const bool done = [] {
        save_model(test::small_model(), folder / "model.lacuna.json");
        write_text(folder / "image.csv", "0,255,3,200\n");
        for (const Arguments& arguments : std::vector<Arguments>{
                 {"plan", "--model", "model.lacuna.json", "--packing", "slots", "--no-circuit-privacy",
                  "--export-client", "client.json"},
                 {"keygen", "--client", "client.json", "--out", "keys"},
                 {"encrypt", "--keys", "keys", "--images", "image.csv", "--out", "upload.lct"},
                 {"infer", "--model", "model.lacuna.json", "--keys", "keys/evaluation.keys", "--in",
                  "upload.lct", "--out", "reply.lct", "--no-circuit-privacy"}}) {
            const CommandResult result = run_lacuna(arguments, {folder.path(), {}});
            EXPECT_EQ(result.code, 0) << result.errors;
        }
        return true;
    }();
    EXPECT_TRUE(done);
    return folder.path();
}

bool ends_within(ChildProcess& process, int seconds) {
    for (int i = 0; i < seconds * 100 && process.running(); ++i) {
        ::usleep(10'000);
    }
    return !process.running();
}

// The first signal ends work that waits for a pipe for ever, and nothing is left behind.
TEST(Interrupts, EndWorkThatWaitsForAPipe) {
    const fs::path& here = prepared();
    const fs::path pipe = here / "pipe.csv";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const auto before = names_in(here);
    for (const Arguments& arguments :
         std::vector<Arguments>{{"decrypt", "--keys", "keys", "--in", "pipe.csv"},
                                {"keygen", "--client", "pipe.csv", "--out", "more"},
                                {"encrypt", "--keys", "keys", "--images", "pipe.csv", "--out", "x.lct"},
                                {"encrypt", "--keys", "keys", "--images", "image.csv", "--out", "pipe.csv"},
                                {"plan", "--model", "model.lacuna.json", "--export-client", "pipe.csv"}}) {
        for (const int signal : {SIGINT, SIGTERM}) {
            ChildProcess process(test::lacuna_command(), arguments, {here, {}});
            ::usleep(300'000);
            ASSERT_TRUE(process.running()) << arguments[0] << ": " << process.errors();
            process.send(signal);
            ASSERT_TRUE(ends_within(process, 60)) << arguments[0];
            EXPECT_EQ(process.wait(), 128 + signal) << arguments[0];
            EXPECT_NE(process.errors().find("lacuna: stopped on request"), std::string::npos)
                << process.errors();
            EXPECT_EQ(names_in(here), before) << arguments[0];
        }
    }
    fs::remove(pipe);
}

// A plan of this model takes most of a minute.
TEST(Interrupts, EndAPlanThatTakesLong) {
    const TemporaryFolder here;
    for (const int signal : {SIGINT, SIGTERM}) {
        ChildProcess process(
            test::lacuna_command(),
            {"plan", "--model", "cifar10", "--out", "server.plan", "--export-client", "client.json"},
            {here.path(), {}});
        ::usleep(300'000);
        ASSERT_TRUE(process.running()) << process.errors();
        process.send(signal);
        ASSERT_TRUE(ends_within(process, 20));
        EXPECT_EQ(process.wait(), 128 + signal);
        EXPECT_EQ(process.errors(), "lacuna: stopped on request before the work was done\n");
        EXPECT_EQ(process.output(), "");
        EXPECT_TRUE(names_in(here.path()).empty());
    }
}

// Work that nobody can ask to stop is ended from outside.
TEST(Interrupts, EndASearchThatTakesLong) {
    const Arguments arguments = {"activation",  "--function", "gelu",       "--degree", "4",
                                 "--norm",      "minimax",    "--interval", "-8",       "8",
                                 "--exponents", "-20",        "10"};
    ChildProcess process(test::lacuna_command(), arguments, {});
    ::usleep(20'000);
    process.send(SIGTERM);
    ASSERT_TRUE(ends_within(process, 60));
    const int code = process.wait();
    EXPECT_TRUE(code == 128 + SIGTERM || code == 0 || code == -SIGTERM) << code;  // by when the signal came
}

TEST(Limits, TooManyThreadsAreRefusedInWords) {
    const fs::path& here = prepared();
    const auto before = names_in(here);
    // Address space for the program but not for a thousand stacks; root is subject to it, too.
    const std::string limited = "ulimit -v 2000000; exec \"$0\" ";
    for (const std::string command :
         {"encrypt --keys keys --images image.csv --out x.lct --threads 1024",
          "infer --model model.lacuna.json --keys keys/evaluation.keys --in upload.lct --out x.lct "
          "--no-circuit-privacy --threads 1024",
          "keygen --client client.json --out more --threads 1024", "mnist --images 1 --threads 1024"}) {
        expect_failure(run_shell(limited + command, {here, {}}), 1, {"--threads", "1024 threads", "ulimit"});
        EXPECT_EQ(names_in(here), before) << command;
    }
    EXPECT_EQ(
        run_shell(limited + "encrypt --keys keys --images image.csv --out x.lct --threads 2", {here, {}})
            .code,
        0);
    fs::remove(here / "x.lct");
}

TEST(Limits, SmallStacksAreRefusedInWords) {
    for (const char* value : {"16k", "16", "100000B", " 100 K "}) {
        expect_failure(run_lacuna({"plan", "--compare"}, {{}, {{"OMP_STACKSIZE", value}}}), 1,
                       {"OMP_STACKSIZE", "bytes of stack"});
    }
    EXPECT_EQ(run_lacuna({"--version"}, {{}, {{"OMP_STACKSIZE", "1M"}}}).code, 0);
    // The least that is accepted is enough.
    const fs::path& here = prepared();
    EXPECT_EQ(
        run_lacuna({"encrypt", "--keys", "keys", "--images", "image.csv", "--out", "x.lct", "--threads", "4"},
                   {here, {{"OMP_STACKSIZE", "256k"}}})
            .code,
        0);
    fs::remove(here / "x.lct");
    EXPECT_EQ(
        run_lacuna({"mnist", "--images", "2", "--threads", "4"}, {{}, {{"OMP_STACKSIZE", "256k"}}}).code, 0);
}

TEST(Limits, WithoutAnyThreadItSaysSo) {
    // Somewhere on the way up there is address space for the program and none for one more stack of 8 MiB.
    std::size_t without_thread = 0;
    for (int kilobytes = 16'000; kilobytes <= 60'000; kilobytes += 2'000) {
        const CommandResult result =
            run_shell("ulimit -v " + std::to_string(kilobytes) + "; exec \"$0\" --version");
        if (result.errors.find("the system gives none") != std::string::npos) {
            expect_failure(result, 1, {"a thread that waits for Ctrl-C", "ulimit"});
            ++without_thread;
        }
    }
    EXPECT_GT(without_thread, 0U);
}

TEST(Limits, AFileThatMayNotGrowIsAnError) {
    const fs::path& here = prepared();
    const auto before = names_in(here);
    for (const std::string command : {"encrypt --keys keys --images image.csv --out x.lct",
                                      "plan --model model.lacuna.json --export-client x.json"}) {
        expect_failure(run_shell("ulimit -f 1; exec \"$0\" " + command, {here, {}}), 1,
                       {"cannot write", "File too large"});
        EXPECT_EQ(names_in(here), before);
    }
}

TEST(Outputs, DevicesStayDevices) {
    const fs::path& here = prepared();
    for (const std::string force : {"", " --force"}) {
        const CommandResult result = run_shell(
            "exec \"$0\" encrypt --keys keys --images image.csv --out /dev/null --json" + force, {here, {}});
        EXPECT_EQ(result.code, 0) << result.errors;
        EXPECT_GT(json::parse(result.output)["bytes"], 1000);
        EXPECT_TRUE(fs::is_character_file("/dev/null"));
    }
    // A pipe behind /dev/stdout gets the upload itself.
    const CommandResult piped = run_shell(
        "\"$0\" encrypt --keys keys --images image.csv --out /dev/stdout --force | head -c 6", {here, {}});
    EXPECT_EQ(piped.output, "LACUNA") << piped.errors;
    EXPECT_TRUE(fs::is_symlink("/dev/stdout"));
}

TEST(Outputs, HelpThatCannotBeWrittenIsAFailure) {
    for (const std::string arguments : {"--help", "plan --help", "--version", "plan --compare"}) {
        const CommandResult result = run_shell("exec \"$0\" " + arguments + " > /dev/full");
        EXPECT_EQ(result.code, 1) << arguments;
        EXPECT_NE(result.errors.find("cannot write to standard output"), std::string::npos) << result.errors;
    }
}

TEST(Outputs, JsonTakesAnyFileName) {
    const fs::path& here = prepared();
    const std::string name = "\xff\x1b[2J.lct";
    const CommandResult result = run_lacuna(
        {"encrypt", "--keys", "keys", "--images", "image.csv", "--out", name, "--json"}, {here, {}});
    EXPECT_EQ(result.code, 0) << result.errors;
    EXPECT_EQ(result.output.find('\x1b'), std::string::npos);
    EXPECT_EQ(json::parse(result.output)["images"], 1);
    const CommandResult inspected = run_lacuna({"inspect", name, "--json"}, {here, {}});
    EXPECT_EQ(json::parse(inspected.output)["content"], "upload");
    const CommandResult text = run_lacuna({"inspect", name}, {here, {}});
    EXPECT_NE(text.output.find("\\xff\\x1b[2J.lct"), std::string::npos) << text.output;
    fs::remove(here / name);
}

void expect_harmless(const CommandResult& result) {
    for (const std::string& text : {result.output, result.errors}) {
        for (const char c : text) {
            EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << int{c};
        }
        EXPECT_LT(text.size(), 20'000U);
    }
}

/// Names and descriptions of the other party do nothing to a terminal.
TEST(Outputs, ForeignTextIsEscapedAndShort) {
    const TemporaryFolder folder;
    const std::string evil =
        "\x1b]0;owned\x07\x1b[2J\xc2\x9b"
        "31m\nlacuna: all is well";
    json model = json::parse(format_model(test::small_model()));
    model["name"] = evil;
    model["description"] = evil + std::string(2'000'000, 'z');
    model["layers"][1]["name"] = evil;
    write_text(folder / "evil.lacuna.json", model.dump());
    const ChildProcess::Setting here{folder.path(), {}};
    expect_harmless(run_lacuna({"inspect", "evil.lacuna.json"}, here));
    expect_harmless(run_lacuna({"plan", "--model", "evil.lacuna.json", "--no-circuit-privacy"}, here));
    expect_harmless(
        run_lacuna({"plan", "--model", "evil.lacuna.json", "--export-client", "client.json"}, here));
    json unknown = model;
    unknown[evil + std::string(2'000'000, 'y')] = 1;
    write_text(folder / "unknown.lacuna.json", unknown.dump());
    const CommandResult refused = run_lacuna({"plan", "--model", "unknown.lacuna.json"}, here);
    expect_harmless(refused);
    EXPECT_EQ(refused.code, 1);
    for (const std::string& name : {evil, "\n" + evil, std::string("\n"), evil + std::string(100'000, 'x')}) {
        const CommandResult result = run_lacuna({"inspect", name}, here);
        expect_harmless(result);
        EXPECT_EQ(result.code, 1);
        EXPECT_EQ(result.errors.find('\n'), result.errors.size() - 1);
    }
    expect_harmless(run_lacuna({"plan", evil}, here));
    expect_harmless(run_lacuna({evil}, here));
}

TEST(Usage, PointsToTheSubcommandsHelp) {
    expect_failure(run_lacuna({"plan", "--frobnicate"}), 2, {"see `lacuna plan --help`"});
    expect_failure(run_lacuna({"plan"}), 2, {"--compare", "see `lacuna plan --help`"});
    expect_failure(run_lacuna({"keygen", "--client", "x"}), 2, {"--out", "see `lacuna keygen --help`"});
    expect_failure(run_lacuna({"frobnicate"}), 2, {"see `lacuna --help`"});
}

TEST(Usage, EmptyNamesAreMistakes) {
    expect_failure(run_lacuna({"plan", "--model", "faster-cryptonets", "--export-client", ""}), 2,
                   {"--export-client", "empty"});
    expect_failure(run_lacuna({"activation", "--plot", ""}), 2, {"--plot", "empty"});
    expect_failure(run_lacuna({"inspect", ""}), 2, {"empty"});
}

TEST(Usage, NumbersAreDecimal) {
    const CommandResult ten = run_lacuna({"mnist", "--images", "010", "--json"});
    EXPECT_EQ(ten.code, 0) << ten.errors;
    EXPECT_EQ(json::parse(ten.output)["images"], 10);
    expect_failure(run_lacuna({"mnist", "--images", "0x10"}), 2, {"--images", "decimal", "0x10"});
}

TEST(Usage, WhatExistsIsReplacedWithForce) {
    expect_failure(run_lacuna({"plan", "--model", "model.lacuna.json", "--export-client", "client.json"},
                              {prepared(), {}}),
                   1, {"client.json", "--force"});
}

TEST(Inputs, PipesAreReadOrRefusedByName) {
    const fs::path& here = prepared();
    const auto before = names_in(here);
    const auto run = [&](const std::string& arguments) {
        return run_shell("exec \"$0\" " + arguments, {here, {}});
    };
    const auto piped = [&](const std::string& file, const std::string& arguments) {
        return run_shell("cat " + file + " | \"$0\" " + arguments, {here, {}});
    };
    EXPECT_EQ(piped("reply.lct", "decrypt --keys keys --in /dev/stdin --csv").output,
              run("decrypt --keys keys --in reply.lct --csv").output);
    EXPECT_EQ(piped("client.json", "keygen --client /dev/stdin --out piped").code, 0);
    fs::remove_all(here / "piped");
    for (const std::string arguments :
         {"inspect /dev/stdin", "plan --model /dev/stdin",
          "infer --model model.lacuna.json --keys keys/evaluation.keys --in /dev/stdin --out x.lct",
          "infer --model model.lacuna.json --keys /dev/stdin --in upload.lct --out x.lct"}) {
        expect_failure(piped("upload.lct", arguments), 1, {"/dev/stdin", "found a pipe", "to a file first"});
    }
    EXPECT_EQ(names_in(here), before);
}

TEST(Inputs, TheFormatMayStandAnywhereInAModel) {
    const TemporaryFolder folder;
    json model = json::parse(format_model(test::small_model()));
    model["description"] = std::string(100'000, 'd');
    std::string text = model.dump();  // fields in alphabetical order: "description" comes before "format"
    write_text(folder / "late.lacuna.json", text);
    const CommandResult result = run_lacuna({"inspect", "late.lacuna.json", "--json"}, {folder.path(), {}});
    ASSERT_EQ(result.code, 0) << result.errors;
    EXPECT_EQ(json::parse(result.output)["kind"], "lacuna-model");
    // A format that is not the document's own does not count.
    write_text(folder / "other.json",
               R"({"inner": {"format": "lacuna-model"}, "list": ["format", "lacuna-model"]})");
    expect_failure(run_lacuna({"inspect", "other.json"}, {folder.path(), {}}), 1,
                   {"other.json", "\"format\""});
}

TEST(Inputs, RepliesBeforeADamagedUploadAreMentioned) {
    const TemporaryFolder folder;
    fs::copy(prepared(), folder.path(), fs::copy_options::recursive);
    fs::remove(folder / "reply.lct");
    std::string bytes = read_text(folder / "upload.lct");
    bytes[bytes.size() - 100] ^= 1;
    write_text(folder / "damaged.lct", bytes);
    fs::create_directory(folder / "replies");
    const CommandResult result =
        run_lacuna({"infer", "--model", "model.lacuna.json", "--keys", "keys/evaluation.keys", "--in",
                    "upload.lct", "damaged.lct", "--out", "replies", "--no-circuit-privacy", "--json"},
                   {folder.path(), {}});
    EXPECT_EQ(result.code, 1);
    const json document = json::parse(result.output);
    ASSERT_EQ(document["replies"].size(), 1U);
    EXPECT_EQ(document["replies"][0]["upload"], "upload.lct");
    EXPECT_NE(result.errors.find("damaged.lct"), std::string::npos) << result.errors;
    EXPECT_NE(result.errors.find("1 of the uploads before it are answered"), std::string::npos)
        << result.errors;
    EXPECT_EQ(names_in(folder / "replies"), (std::set<std::string>{"upload.reply.lct"}));
}

/// A process with a terminal of its own, whose other side is here.
class TerminalProcess {
  public:
    TerminalProcess(Arguments arguments, const fs::path& folder, const std::string& kind = "xterm") {
        master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
        EXPECT_TRUE(master_ >= 0 && ::grantpt(master_) == 0 && ::unlockpt(master_) == 0);
        const std::string name = ::ptsname(master_);
        arguments.insert(arguments.begin(), test::lacuna_command());
        std::vector<char*> pointers;
        for (std::string& argument : arguments) {
            pointers.push_back(argument.data());
        }
        pointers.push_back(nullptr);
        process_ = ::fork();
        if (process_ == 0) {
            ::setsid();
            const int terminal = ::open(name.c_str(), O_RDWR);
            ::ioctl(terminal, TIOCSCTTY, 0);
            for (const int descriptor : {0, 1, 2}) {
                ::dup2(terminal, descriptor);
            }
            ::setenv("TERM", kind.c_str(), 1);
            if (::chdir(folder.c_str()) == 0) {
                ::execv(pointers.front(), pointers.data());
            }
            ::_exit(127);
        }
    }
    ~TerminalProcess() {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            (void)wait();
        }
        ::close(master_);
    }
    TerminalProcess(const TerminalProcess&) = delete;
    TerminalProcess& operator=(const TerminalProcess&) = delete;

    /// Reads until the text is there, or nothing more comes.
    bool expect(const std::string& text) {
        while (seen_.find(text, from_) == std::string::npos) {
            pollfd ready{master_, POLLIN, 0};
            char bytes[4096];
            const ssize_t count = ::poll(&ready, 1, 60'000) > 0 ? ::read(master_, bytes, sizeof bytes) : -1;
            if (count <= 0) {
                return false;
            }
            seen_.append(bytes, static_cast<std::size_t>(count));
        }
        from_ = seen_.find(text, from_) + text.size();
        return true;
    }
    void type(const std::string& text) const {
        EXPECT_EQ(::write(master_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] bool echoes() const {
        termios state{};
        return ::tcgetattr(master_, &state) == 0 && (state.c_lflag & ECHO) != 0;
    }
    void send(int signal) const { ::kill(process_, signal); }
    int wait() {
        (void)expect("\x04 nothing says this");  // drains what is written
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    [[nodiscard]] const std::string& seen() const { return seen_; }

  private:
    int master_ = -1;
    pid_t process_ = -1;
    std::string seen_;
    std::size_t from_ = 0;
};

TEST(Terminal, AsksForPassphrasesWithoutShowingThem) {
    const TemporaryFolder folder;
    fs::copy(prepared(), folder.path(), fs::copy_options::recursive);
    {
        TerminalProcess keygen({"keygen", "--client", "client.json", "--out", "sealed", "--passphrase"},
                               folder.path());
        ASSERT_TRUE(keygen.expect("New passphrase")) << keygen.seen();
        EXPECT_FALSE(keygen.echoes());
        keygen.type("open sesame\n");
        ASSERT_TRUE(keygen.expect("Once more")) << keygen.seen();
        keygen.type("open sesame\n");
        EXPECT_EQ(keygen.wait(), 0) << keygen.seen();
        EXPECT_EQ(keygen.seen().find("sesame"), std::string::npos);
        EXPECT_TRUE(keygen.echoes());
    }
    const Arguments encrypt = {"encrypt", "--keys", "sealed", "--images", "image.csv", "--out", "sealed.lct"};
    {
        TerminalProcess wrong(encrypt, folder.path());
        ASSERT_TRUE(wrong.expect("Passphrase of secret.key")) << wrong.seen();
        wrong.type("open barley\n");
        EXPECT_EQ(wrong.wait(), 1) << wrong.seen();
        EXPECT_NE(wrong.seen().find("found another one"), std::string::npos) << wrong.seen();
    }
    {
        TerminalProcess right(encrypt, folder.path());
        ASSERT_TRUE(right.expect("Passphrase of secret.key")) << right.seen();
        right.type("open sesame\n");
        EXPECT_EQ(right.wait(), 0) << right.seen();
    }
    {
        TerminalProcess stopped(encrypt, folder.path());
        ASSERT_TRUE(stopped.expect("Passphrase of secret.key")) << stopped.seen();
        stopped.send(SIGINT);
        EXPECT_EQ(stopped.wait(), 130) << stopped.seen();
        EXPECT_TRUE(stopped.echoes());
    }
    {
        TerminalProcess unlike({"keygen", "--client", "client.json", "--out", "more", "--passphrase"},
                               folder.path());
        ASSERT_TRUE(unlike.expect("New passphrase"));
        unlike.type("one\n");
        ASSERT_TRUE(unlike.expect("Once more"));
        unlike.type("two\n");
        EXPECT_EQ(unlike.wait(), 1) << unlike.seen();
        EXPECT_FALSE(fs::exists(folder / "more"));
    }
}

/// Two seconds of work or more on one thread of the slowest kernel: the line would have shown.
TEST(Terminal, ADumbOneGetsNoEscapes) {
    TerminalProcess mnist({"mnist", "--images", "64", "--packing", "slots", "--threads", "1"}, "/", "dumb");
    EXPECT_EQ(mnist.wait(), 0) << mnist.seen();
    EXPECT_EQ(mnist.seen().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace lacuna::testing
