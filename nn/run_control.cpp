// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/run_control.h>

#include <algorithm>
#include <mutex>

#include <lacuna/ntt/parallel.h>

namespace lacuna {

void parallel_for(std::size_t count, const RunControl& control, std::string_view what, double begin,
                  double end, double total, const std::function<void(std::size_t)>& work) {
    constexpr std::size_t reports = 100;
    const std::size_t every = std::max<std::size_t>(1, count / reports);
    std::mutex reporting;  // counting and reporting under one lock keep the reports in order
    std::size_t finished = 0;
    parallel_for(count, control.threads, [&](std::size_t i) {
        if (control.stop.stop_requested()) {
            return;
        }
        work(i);
        const std::lock_guard lock(reporting);
        if (++finished % every == 0) {
            const double share = static_cast<double>(finished) / static_cast<double>(count);
            control.report(what, begin + (end - begin) * share, total);
        }
    });
    control.check();
}

}  // namespace lacuna
