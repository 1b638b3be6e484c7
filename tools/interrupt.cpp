// SPDX-License-Identifier: Apache-2.0
#include "tools/interrupt.h"

#include <pthread.h>
#include <unistd.h>

namespace lacuna {

namespace {

constexpr int quit = SIGUSR1;  // from the destructor to the waiting thread

}  // namespace

Interrupt::Interrupt() {
    sigemptyset(&awaited_);
    for (const int signal : {SIGINT, SIGTERM, quit}) {
        sigaddset(&awaited_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);
    waiter_ = std::thread([this] { wait(); });
}

Interrupt::~Interrupt() {
    pthread_kill(waiter_.native_handle(), quit);
    waiter_.join();
}

void Interrupt::wait() {
    for (int signal = 0; sigwait(&awaited_, &signal) == 0 && signal != quit;) {
        if (source_.stop_requested()) {
            ::_exit(128 + signal);
        }
        signal_ = signal;
        source_.request_stop();
    }
}

}  // namespace lacuna
