// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace lacuna::service {

/// The few threads that all work on encrypted data happens on, and the queue before them: memory that the
/// library keeps for each thread, and threads that its loops start, are bounded by their number.
class Workers {
  public:
    using Clock = std::chrono::steady_clock;
    using Job = std::function<void(const std::stop_token&)>;

    Workers(std::size_t count, std::size_t queue);
    /// Waits for the work that has begun.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Runs a job and waits for it; what it throws is thrown again here. gone is asked every few milliseconds
    /// meanwhile: where it answers true, or the deadline passes, the job is taken out of the queue or asked
    /// to stop. Throws RequestError 503 where the queue is full or time is over, Stopped where gone said so.
    /// Returns how long the job has waited.
    std::chrono::duration<double> run(const Job& job, const std::function<bool()>& gone,
                                      Clock::time_point deadline);

    /// Throws RequestError 503 where run() would have no place now.
    void check_room() const;

    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] std::size_t working() const;

  private:
    struct Entry {
        const Job* job;
        std::stop_source stop;
        std::condition_variable changed;
        bool done = false;
        std::exception_ptr problem;
        Clock::time_point start;
    };

    void work();
    [[noreturn]] void refuse() const;

    std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Entry*> queue_;
    std::size_t working_ = 0;
    double seconds_ = 0;  // of a job, lately
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace lacuna::service
