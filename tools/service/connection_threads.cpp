// SPDX-License-Identifier: Apache-2.0
#include "tools/service/connection_threads.h"

#include <system_error>
#include <thread>
#include <utility>

namespace lacuna::service {

void ConnectionThreads::enqueue(std::function<void()> connection) {
    std::unique_lock lock(mutex_);
    if (open_ < limit_) {
        try {
            std::thread([this, connection] {
                connection();
                const std::lock_guard ending(mutex_);
                --open_;
                ended_.notify_all();
            }).detach();
            ++open_;  // the thread's own count comes after this one, which holds the lock
            return;
        } catch (const std::system_error&) {
            // The system gives no thread: like a full house.
        }
    }
    lock.unlock();
    refuse_(true);
    connection();
    refuse_(false);
}

void ConnectionThreads::shutdown() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return open_ == 0; });
}

}  // namespace lacuna::service
