// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace lacuna {

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& work) {
    // An exception must not leave a parallel region: it is kept, and thrown behind it.
    std::atomic<bool> failed = false;
    std::mutex keeping;
    std::exception_ptr failure;
    const auto call = [&](std::size_t i) {
        try {
            work(i);
        } catch (...) {
            const std::lock_guard lock(keeping);
            if (!failed) {
                failure = std::current_exception();
                failed = true;
            }
        }
    };
#ifdef _OPENMP
#pragma omp parallel for num_threads(std::max(threads, 1)) schedule(dynamic)
#endif
    for (std::size_t i = 0; i < count; ++i) {
        if (!failed) {
            call(i);
        }
    }
    (void)threads;
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace lacuna
