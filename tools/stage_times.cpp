// SPDX-License-Identifier: Apache-2.0
#include "tools/stage_times.h"

#include <algorithm>

namespace lacuna {

void StageTimes::enter(std::string_view stage) {
    if (current_ != 0 && stages_[current_ - 1].first == stage) {
        return;
    }
    pause();
    const auto known = std::ranges::find(stages_, stage, [](const auto& entry) { return entry.first; });
    current_ = static_cast<std::size_t>(known - stages_.begin()) + 1;
    if (known == stages_.end()) {
        stages_.emplace_back(stage, 0.0);
    }
}

void StageTimes::pause() {
    const Clock::time_point now = Clock::now();
    if (current_ != 0) {
        stages_[current_ - 1].second += std::chrono::duration<double>(now - since_).count();
    }
    current_ = 0;
    since_ = now;
}

std::function<void(const Progress&)> StageTimes::follow(std::function<void(const Progress&)> next) {
    return [this, next = std::move(next)](const Progress& progress) {
        if (progress.what == "done") {
            pause();
        } else {
            enter(progress.what);
        }
        if (next) {
            next(progress);
        }
    };
}

nlohmann::ordered_json StageTimes::json() const {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& [stage, seconds] : stages_) {
        list.push_back({{"stage", stage}, {"seconds", seconds}});
    }
    return list;
}

}  // namespace lacuna
