// SPDX-License-Identifier: Apache-2.0
#include "tools/service/workers.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <lacuna/nn/run_control.h>
#include "tools/service/request_error.h"

namespace lacuna::service {

namespace {

/// Between two looks at whether the client is still there.
constexpr std::chrono::milliseconds patience{20};
constexpr double longest_retry = 60;

}  // namespace

Workers::Workers(std::size_t count, std::size_t queue) : capacity_(queue) {
    for (std::size_t i = 0; i < count; ++i) {
        threads_.emplace_back([this] { work(); });
    }
}

Workers::~Workers() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    arrived_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Workers::refuse() const {
    // Those before it, on all workers.
    const double wait =
        seconds_ * static_cast<double>(queue_.size() + 1) / static_cast<double>(threads_.size());
    throw RequestError(
        503, "busy",
        "expected a place in the queue, found all " + std::to_string(capacity_) + " taken; try again later",
        static_cast<int>(std::clamp(std::ceil(wait), 1.0, longest_retry)));
}

void Workers::check_room() const {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + working_ >= capacity_ + threads_.size()) {
        refuse();
    }
}

std::chrono::duration<double> Workers::run(const Job& job, const std::function<bool()>& gone,
                                           Clock::time_point deadline) {
    Entry entry;
    entry.job = &job;
    const Clock::time_point begin = Clock::now();
    std::unique_lock lock(mutex_);
    if (queue_.size() + working_ >= capacity_ + threads_.size()) {
        refuse();
    }
    queue_.push_back(&entry);
    arrived_.notify_one();
    bool left = false;
    bool late = false;
    while (!entry.changed.wait_for(lock, patience, [&] { return entry.done; })) {
        if (left || late) {
            continue;  // it ends soon
        }
        late = Clock::now() > deadline;
        lock.unlock();
        left = !late && gone();
        lock.lock();
        if (left || late) {
            entry.stop.request_stop();
            if (const auto place = std::ranges::find(queue_, &entry); place != queue_.end()) {
                queue_.erase(place);
                break;
            }
        }
    }
    lock.unlock();
    if (late && (!entry.done || entry.problem)) {
        throw RequestError(503, "time",
                           "expected an answer within the time for one request, found none; send "
                           "fewer images, or try when there are fewer requests",
                           static_cast<int>(longest_retry));
    }
    if (left && !entry.done) {
        throw Stopped();
    }
    if (entry.problem) {
        std::rethrow_exception(entry.problem);
    }
    return entry.start - begin;
}

std::size_t Workers::waiting() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

std::size_t Workers::working() const {
    const std::lock_guard lock(mutex_);
    return working_;
}

void Workers::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        arrived_.wait(lock, [&] { return ending_ || !queue_.empty(); });
        if (queue_.empty()) {
            return;
        }
        Entry& entry = *queue_.front();
        queue_.pop_front();
        ++working_;
        entry.start = Clock::now();
        lock.unlock();
        std::exception_ptr problem;
        try {
            (*entry.job)(entry.stop.get_token());
        } catch (...) {
            problem = std::current_exception();
        }
        lock.lock();
        --working_;
        constexpr double memory = 0.8;
        seconds_ = memory * seconds_ +
                   (1 - memory) * std::chrono::duration<double>(Clock::now() - entry.start).count();
        entry.problem = problem;
        entry.done = true;
        entry.changed.notify_one();  // under the lock: the entry dies as soon as it is seen
    }
}

}  // namespace lacuna::service
