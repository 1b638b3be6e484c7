// SPDX-License-Identifier: Apache-2.0
#include "tools/interrupt.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include <lacuna/he/files/temporary_files.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include "tools/passphrase_prompt.h"

namespace lacuna {

namespace {

constexpr int quit = SIGUSR1;  // from the destructor to the waiting thread
constexpr const char* name = "lacuna: ";

sigset_t awaited_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, quit}) {
        sigaddset(&signals, signal);
    }
    return signals;
}

}  // namespace

void Interrupt::block_signals() {
    const sigset_t signals = awaited_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void Interrupt::unblock_signals() {
    const sigset_t signals = awaited_signals();
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

Interrupt::Interrupt() : awaited_(awaited_signals()) {
    block_signals();
    try {
        waiter_ = std::thread([this] { wait(); });
    } catch (const std::system_error& problem) {
        throw Error(
            std::string("expected a thread that waits for Ctrl-C, found that the system gives none (") +
            problem.what() + "); raise the limits on processes and memory (ulimit -u, ulimit -v)");
    }
}

Interrupt::~Interrupt() {
    pthread_kill(waiter_.native_handle(), quit);
    waiter_.join();
}

void Interrupt::wait() {
    int signal = 0;
    while (sigwait(&awaited_, &signal) != 0) {
    }
    if (signal == quit) {
        return;
    }
    signal_ = signal;
    source_.request_stop();
    const timespec grace = {grace_, 0};
    int next = -1;
    do {
        next = sigtimedwait(&awaited_, nullptr, &grace);
    } while (next < 0 && errno == EINTR);
    if (next != quit) {
        end_now();
    }
}

void Interrupt::end_now() const {
    remove_temporaries();
    restore_terminal();
    const std::string message = name + (message_.empty() ? std::string(Stopped().what()) : message_) + "\n";
    // Nothing can be done where this fails.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
    ::_exit(exit_code());
}

}  // namespace lacuna
