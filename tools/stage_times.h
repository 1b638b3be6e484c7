// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/run_control.h>

namespace lacuna {

/// How long the stages of some work took, in the order in which each was first entered. One thread at a time.
class StageTimes {
  public:
    /// From now on the time is this stage's, until the next call.
    void enter(std::string_view stage);
    /// Nobody's.
    void pause();

    /// A callback that enters the stage that the library reports, and hands on to `next`.
    [[nodiscard]] std::function<void(const Progress&)> follow(std::function<void(const Progress&)> next);

    /// [{"stage": ..., "seconds": ...}, ...]
    [[nodiscard]] nlohmann::ordered_json json() const;

  private:
    using Clock = std::chrono::steady_clock;

    std::vector<std::pair<std::string, double>> stages_;  // seconds
    std::size_t current_ = 0;                             // number from 1 on; 0: none
    Clock::time_point since_;
};

}  // namespace lacuna
