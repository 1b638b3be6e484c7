// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace lacuna {

/// Turns Ctrl-C (SIGINT) and SIGTERM into a stop request, so that work ends in order and leaves no half file.
/// Work that does not end within a second (set_grace()), because it cannot be asked or waits for a pipe, and
/// work that a second signal is for, is ended from here: temporary files are removed, nothing has got its
/// name yet, and the process exits. Signals are blocked in every thread started after it and awaited in one
/// of its own, so there is no signal handler.
class Interrupt {
  public:
    /// Throws Error where the system gives no thread.
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// For a library that starts threads of its own first: they too are to leave the signals alone.
    static void block_signals();
    /// Undoes that for this thread, where there will be no Interrupt: the signals end the process again.
    static void unblock_signals();

    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
    /// How long work may take to end after the first signal, instead of a second: for servers, which finish
    /// what they have begun.
    void set_grace(std::chrono::seconds grace) { grace_ = grace.count(); }
    /// What is printed where work is ended from here, instead of that it was stopped on request. Before the
    /// first signal.
    void set_message(std::string message) { message_ = std::move(message); }
    /// What a shell expects of a process that ended so: 128 and the signal's number; 130 for Ctrl-C.
    [[nodiscard]] int exit_code() const { return 128 + signal_; }

  private:
    void wait();
    [[noreturn]] void end_now() const;

    sigset_t awaited_{};
    std::stop_source source_;
    std::atomic<int> signal_ = SIGINT;
    std::atomic<long> grace_ = 1;  // seconds
    std::string message_;
    std::thread waiter_;
};

}  // namespace lacuna
