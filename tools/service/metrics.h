// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tools/service/request_head.h"

namespace lacuna::service {

/// Where the time of a request goes, as metrics, logs and Server-Timing name it.
enum class Stage { read, queue, keys, load, infer, write };
inline constexpr std::array all_stages = {Stage::read, Stage::queue, Stage::keys,
                                          Stage::load, Stage::infer, Stage::write};
[[nodiscard]] const char* stage_name(Stage stage);

/// Seconds by stage, in the order in which they were gone through.
using Stages = std::vector<std::pair<Stage, double>>;

/// How a request ended.
struct Outcome {
    std::string route;  ///< endpoint_name(), or "other"
    int status = 0;     ///< 499: the client went away before there was an answer
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::size_t images = 0;  ///< classified
    double seconds = 0;
    Stages stages;
};

/// A value of this moment.
struct Gauge {
    const char* name;
    const char* help;
    double value;
};

/// Counts what a server does, and writes it in Prometheus' text format.
class Metrics {
  public:
    void add(const Outcome& outcome);
    [[nodiscard]] std::string format(const std::vector<Gauge>& gauges) const;

    /// Upper ends of a histogram's buckets, in seconds; the last one is unbounded.
    static constexpr std::array buckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                           0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};

  private:
    struct Histogram {
        std::array<std::uint64_t, buckets.size() + 1> counts{};
        double sum = 0;

        void add(double seconds);
    };

    static void write(std::string& text, const char* name, const std::string& label,
                      const Histogram& histogram);

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, int>, std::uint64_t> requests_;  // by route and status
    std::map<std::string, Histogram> durations_;                     // by route
    std::array<Histogram, all_stages.size()> stages_{};
    std::uint64_t bytes_in_ = 0;
    std::uint64_t bytes_out_ = 0;
    std::uint64_t images_ = 0;
};

}  // namespace lacuna::service
