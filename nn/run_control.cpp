// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/run_control.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace lacuna {

void parallel_for(std::size_t count, const RunControl& control, std::string_view what, double begin,
                  double end, double total, const std::function<void(std::size_t)>& work) {
    constexpr std::size_t reports = 100;
    const std::size_t every = std::max<std::size_t>(1, count / reports);
    std::atomic<bool> failed = false;
    std::exception_ptr failure;
    // Counting and reporting under one lock keep the reports in order. Not `omp critical`: a callback may
    // throw, which must not leave such a region, or start a parallel_for of its own.
    std::mutex reporting;
    std::size_t finished = 0;
#pragma omp parallel for num_threads(std::max(control.threads, 1)) schedule(dynamic)
    for (std::size_t i = 0; i < count; ++i) {
        if (failed || control.stop.stop_requested()) {
            continue;
        }
        try {
            work(i);
            const std::lock_guard lock(reporting);
            if (++finished % every == 0) {
                const double share = static_cast<double>(finished) / static_cast<double>(count);
                control.report(what, begin + (end - begin) * share, total);
            }
        } catch (...) {
#pragma omp critical(lacuna_failure)
            {
                if (!failed) {
                    failure = std::current_exception();
                }
                failed = true;
            }
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    control.check();
}

}  // namespace lacuna
