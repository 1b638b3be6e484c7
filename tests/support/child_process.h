// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include "tests/support/places.h"

namespace lacuna::testing {

[[nodiscard]] inline std::string read_text(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_text(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
}

/// A folder of its own for each object, removed at the end.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        static std::atomic<int> number = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("lacuna-test-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
        std::filesystem::create_directory(path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

/// A program in a process of its own, its output kept in files.
class ChildProcess {
  public:
    struct Setting {
        std::filesystem::path folder;  ///< where it runs; empty: here
        std::vector<std::pair<std::string, std::string>> variables;
    };

    ChildProcess(const std::string& program, std::vector<std::string> arguments, const Setting& setting) {
        arguments.insert(arguments.begin(), program);
        std::vector<char*> pointers;
        for (std::string& argument : arguments) {
            pointers.push_back(argument.data());
        }
        pointers.push_back(nullptr);
        process_ = ::fork();
        if (process_ == 0) {
            for (const auto& [name, value] : setting.variables) {
                ::setenv(name.c_str(), value.c_str(), 1);
            }
            const bool ready = (setting.folder.empty() || ::chdir(setting.folder.c_str()) == 0) &&
                               redirect(STDOUT_FILENO, output_file()) &&
                               redirect(STDERR_FILENO, error_file());
            if (ready) {
                ::execv(program.c_str(), pointers.data());
            }
            ::_exit(127);
        }
    }
    ~ChildProcess() {
        if (process_ > 0) {
            send(SIGKILL);
            (void)wait();
        }
    }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Does nothing once it has ended: its number may be another's, and -1 would mean every process there is.
    void send(int signal) const {
        if (process_ > 0) {
            ::kill(process_, signal);
        }
    }
    [[nodiscard]] bool running() {
        if (process_ > 0 && ::waitpid(process_, &status_, WNOHANG) == process_) {
            process_ = -1;
        }
        return process_ > 0;
    }
    [[nodiscard]] std::size_t threads() const {
        std::error_code gone;
        const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(process_) + "/task", gone);
        return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
    }
    /// Its exit code, or minus the signal that ended it.
    int wait() {
        if (process_ > 0) {
            ::waitpid(process_, &status_, 0);
            process_ = -1;
        }
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
    }
    [[nodiscard]] std::string output() const { return read_text(output_file()); }
    [[nodiscard]] std::string errors() const { return read_text(error_file()); }

  private:
    [[nodiscard]] std::filesystem::path output_file() const { return folder_ / "stdout"; }
    [[nodiscard]] std::filesystem::path error_file() const { return folder_ / "stderr"; }
    static bool redirect(int descriptor, const std::filesystem::path& file) {
        const int target = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        return target >= 0 && ::dup2(target, descriptor) == descriptor;
    }

    TemporaryFolder folder_;
    pid_t process_ = -1;
    int status_ = 0;
};

/// How a run of the lacuna command ended.
struct CommandResult {
    int code = 0;
    std::string output;
    std::string errors;
};

inline CommandResult run_lacuna(const std::vector<std::string>& arguments,
                                const ChildProcess::Setting& setting = {}) {
    ChildProcess process(test::lacuna_command(), arguments, setting);
    CommandResult result;
    result.code = process.wait();
    result.output = process.output();
    result.errors = process.errors();
    return result;
}

/// A run has failed as scripts expect: that exit code, nothing on stdout, and on stderr one line that names
/// the program and has every one of the parts.
inline void expect_failure(const CommandResult& result, int code, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.code, code) << result.errors;
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(result.errors.rfind("lacuna: ", 0), 0U) << result.errors;
    EXPECT_EQ(result.errors.find('\n'), result.errors.size() - 1) << result.errors;
    for (const std::string& part : parts) {
        EXPECT_NE(result.errors.find(part), std::string::npos)
            << "expected '" << part << "' in: " << result.errors;
    }
}

}  // namespace lacuna::testing
