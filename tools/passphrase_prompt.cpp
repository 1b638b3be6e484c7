// SPDX-License-Identifier: Apache-2.0
#include "tools/passphrase_prompt.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <lacuna/he/files/source.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/error.h>
#include "tools/option_checks.h"

namespace lacuna {

namespace {

constexpr int pause_milliseconds = 100;  // between two looks at the stop token

/// What is typed or read, zeroed at the end; one byte more than a passphrase may have, so that longer ones
/// show.
class Line {
  public:
    ~Line() { detail::cleanse(bytes_.data(), bytes_.size()); }
    Line() = default;
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    /// Returns whether the line goes on.
    bool add(char c) {
        if (c == '\n' || c == '\r' || size_ == bytes_.size()) {
            return false;
        }
        bytes_[size_++] = c;
        return true;
    }
    [[nodiscard]] Passphrase passphrase() const { return Passphrase(std::string_view(bytes_.data(), size_)); }
    [[nodiscard]] bool has_nul() const { return std::memchr(bytes_.data(), 0, size_) != nullptr; }

  private:
    std::array<char, Passphrase::max_bytes + 1> bytes_{};
    std::size_t size_ = 0;
};

struct Echo {
    std::mutex mutex;
    int terminal = -1;  // where the echo is off
    termios before{};
};

Echo& echo() {
    static Echo instance;
    return instance;
}

/// The terminal of this process, without echo for as long as this lives.
class SilentTerminal {
  public:
    SilentTerminal() : terminal_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
        const std::lock_guard lock(echo().mutex);
        if (terminal_ < 0 || ::tcgetattr(terminal_, &echo().before) != 0) {
            throw Error(
                "secret.key: expected a terminal to ask for the passphrase on, found none; give "
                "--passphrase-file FILE");
        }
        termios silent = echo().before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
        ::tcsetattr(terminal_, TCSAFLUSH, &silent);
        echo().terminal = terminal_;
    }
    ~SilentTerminal() {
        restore_terminal();
        say("\n");
        ::close(terminal_);
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;

    void say(const std::string& text) const {
        [[maybe_unused]] const ssize_t written = ::write(terminal_, text.data(), text.size());
    }
    /// Throws Stopped on request.
    [[nodiscard]] Passphrase line(const std::stop_token& stop) const {
        Line line;
        for (char c = 0;;) {
            pollfd ready{terminal_, POLLIN, 0};
            if (::poll(&ready, 1, pause_milliseconds) <= 0) {
                if (stop.stop_requested()) {
                    throw Stopped();
                }
                continue;
            }
            if (::read(terminal_, &c, 1) != 1 || !line.add(c)) {
                return line.passphrase();
            }
        }
    }

  private:
    int terminal_;
};

}  // namespace

Passphrase read_passphrase(const std::filesystem::path& file) {
    Source source(file);
    Line line;
    std::array<std::uint8_t, 1> byte{};
    while (source.read_some(byte) == 1 && line.add(static_cast<char>(byte[0]))) {
    }
    if (line.has_nul()) {
        throw Error(file.string() +
                    ": expected a passphrase in the first line, found a NUL byte in it; give a text "
                    "file");
    }
    try {
        return line.passphrase();
    } catch (const Error& problem) {
        throw Error(file.string() + ": " + problem.what());
    }
}

Passphrase ask_passphrase(const std::string& question, const std::stop_token& stop) {
    const SilentTerminal terminal;
    terminal.say(question);
    return terminal.line(stop);
}

void restore_terminal() noexcept {
    const std::lock_guard lock(echo().mutex);
    if (echo().terminal >= 0) {
        ::tcsetattr(echo().terminal, TCSAFLUSH, &echo().before);
        echo().terminal = -1;
    }
}

void add_passphrase_file_option(CLI::App& command, std::string& file) {
    command
        .add_option(
            "--passphrase-file", file,
            "its first line is the passphrase of secret.key; without it the terminal is asked where one is "
            "needed")
        ->type_name("FILE")
        ->check(not_empty());
}

std::function<Passphrase()> passphrase_source(const std::string& file, const std::stop_token& stop) {
    return [file, stop] {
        return file.empty() ? ask_passphrase("Passphrase of secret.key: ", stop) : read_passphrase(file);
    };
}

}  // namespace lacuna
