// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include <httplib.h>

namespace lacuna::service {

/// A thread for every connection, up to a limit: a slow client keeps nobody but itself waiting. They wait and
/// copy bytes; the work is done elsewhere (Workers).
class ConnectionThreads : public httplib::TaskQueue {
  public:
    /// refuse: what happens, at once, to a connection that there is no thread for; it is told before the
    /// connection's own function is called in the thread that accepts.
    ConnectionThreads(std::size_t limit, std::function<void(bool)> refuse)
        : limit_(limit), refuse_(std::move(refuse)) {}

    void enqueue(std::function<void()> connection) override;
    /// Waits for the end of all connections.
    void shutdown() override;

  private:
    std::size_t limit_;
    std::function<void(bool)> refuse_;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::size_t open_ = 0;
};

}  // namespace lacuna::service
