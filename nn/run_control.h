// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string_view>

#include <lacuna/ntt/error.h>

namespace lacuna {

/// Thrown where a stop was requested; nothing was changed.
class Stopped : public Error {
  public:
    Stopped() : Error("stopped on request before the work was done") {}
};

/// Throws Stopped where a stop was requested.
inline void check_stop(const std::stop_token& stop) {
    if (stop.stop_requested()) {
        throw Stopped();
    }
}

/// How far a long call has come: `done` of `total` equal parts of its work, busy with `what`.
struct Progress {
    std::string_view what;
    double done = 0;
    double total = 1;
};

/// How a long call runs. The result never depends on it.
struct RunControl {
    int threads = 1;
    /// Called from one thread at a time, a few hundred times at most.
    std::function<void(const Progress&)> progress{};
    std::stop_token stop{};

    void report(std::string_view what, double done, double total) const {
        if (progress) {
            progress({what, done, total});
        }
    }
    /// Throws Stopped where a stop was requested.
    void check() const { check_stop(stop); }
};

/// Calls work(i) for i in [0, count) on control.threads threads, reporting progress from `begin` to `end` of
/// `total`. The first exception of a part of the work ends it and is thrown again here; so does a stop
/// request.
void parallel_for(std::size_t count, const RunControl& control, std::string_view what, double begin,
                  double end, double total, const std::function<void(std::size_t)>& work);

}  // namespace lacuna
