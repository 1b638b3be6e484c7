// SPDX-License-Identifier: Apache-2.0
#include "tools/threads.h"

#include <pthread.h>
#include <sys/resource.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

/// Loops keep buffers of up to 32 KiB on the stack; the rest is for the C++ library and the kernels.
constexpr std::size_t least_stack = std::size_t{256} << 10;

/// OMP_STACKSIZE as OpenMP 5.2, section 21.2.2, has it: a number of kilobytes, or with B, K, M or G behind
/// it.
std::optional<std::size_t> stack_size(const char* variable) {
    const char* value = std::getenv(variable);
    if (value == nullptr) {
        return std::nullopt;
    }
    std::string_view text = value;
    const auto skip_blanks = [&] {
        text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    };
    skip_blanks();
    std::size_t size = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    skip_blanks();
    if (problem != std::errc()) {
        return std::nullopt;  // OpenMP ignores it, and says so
    }
    switch (text.empty() ? 'k' : text.front()) {
        case 'b':
        case 'B':
            return size;
        case 'm':
        case 'M':
            return size << 20;
        case 'g':
        case 'G':
            return size << 30;
        default:
            return size << 10;
    }
}

void check_size(std::size_t size, const std::string& what, const std::string& advice) {
    if (size < least_stack) {
        throw Error(what + ": expected at least " + std::to_string(least_stack) +
                    " bytes of stack for a thread, found " + std::to_string(size) + "; " + advice);
    }
}

/// Threads that wait for each other: all of them exist at once.
class WaitingThreads {
  public:
    WaitingThreads() {
        pthread_attr_init(&attributes_);
        for (const char* variable : {"GOMP_STACKSIZE", "OMP_STACKSIZE"}) {
            if (const auto size = stack_size(variable)) {
                pthread_attr_setstacksize(&attributes_, *size);
            }
        }
        pthread_mutex_lock(&gate_);
    }
    ~WaitingThreads() {
        pthread_mutex_unlock(&gate_);
        for (const pthread_t thread : threads_) {
            pthread_join(thread, nullptr);
        }
        pthread_attr_destroy(&attributes_);
        pthread_mutex_destroy(&gate_);
    }
    WaitingThreads(const WaitingThreads&) = delete;
    WaitingThreads& operator=(const WaitingThreads&) = delete;

    /// 0, or the system's error.
    int add() {
        pthread_t thread{};
        const int error = pthread_create(
            &thread, &attributes_,
            [](void* gate) -> void* {
                pthread_mutex_lock(static_cast<pthread_mutex_t*>(gate));
                pthread_mutex_unlock(static_cast<pthread_mutex_t*>(gate));
                return nullptr;
            },
            &gate_);
        if (error == 0) {
            threads_.push_back(thread);
        }
        return error;
    }

  private:
    pthread_attr_t attributes_{};
    pthread_mutex_t gate_ = PTHREAD_MUTEX_INITIALIZER;
    std::vector<pthread_t> threads_;
};

}  // namespace

void check_stack() {
    for (const char* variable : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
        if (const auto size = stack_size(variable)) {
            check_size(*size, variable, "unset it, or set it to 1M");
        }
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        check_size(limit.rlim_cur, "ulimit -s", "raise it");
    }
}

void check_threads(int threads) {
    WaitingThreads others;
    for (int thread = 1; thread < threads; ++thread) {
        if (const int error = others.add(); error != 0) {
            throw Error("--threads: expected room for " + std::to_string(threads) +
                        " threads, found that the system gives " + std::to_string(thread) + " (" +
                        std::strerror(error) + "); use --threads " +
                        std::to_string(thread > 1 ? thread / 2 : 1) +
                        ", or raise the limits on processes and memory (ulimit -u, ulimit -v)");
        }
    }
}

}  // namespace lacuna
