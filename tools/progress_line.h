// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <lacuna/nn/run_control.h>

namespace lacuna {

/// One line on stderr that says what is going on, how far it has come and how long it will still take. It
/// appears only where stderr is a terminal and the work has lasted a second, and goes away at the end.
class ProgressLine {
  public:
    /// stage: what the line is headed with. parts: of equal work that the stage consists of.
    explicit ProgressLine(std::string stage, double parts = 1);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    /// What RunControl::progress calls during part 0, 1, ... of the stage; the line must outlive it.
    [[nodiscard]] std::function<void(const Progress&)> part(double index);

  private:
    using Clock = std::chrono::steady_clock;

    void show(double fraction, const std::string& what);

    std::string stage_;
    double parts_;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point start_;
    Clock::time_point last_;
};

}  // namespace lacuna
