// SPDX-License-Identifier: Apache-2.0
#include "tools/service/metrics.h"

#include <algorithm>
#include <sstream>

namespace lacuna::service {

namespace {

std::string number(double value) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text.precision(12);
    text << value;
    return text.str();
}

void head(std::string& text, const char* name, const char* type, const char* help) {
    text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text.append(name).append(" ").append(type).append("\n");
}

void line(std::string& text, const std::string& name, const std::string& labels, double value) {
    text.append(name).append(labels.empty() ? "" : "{" + labels + "}").append(" ").append(number(value));
    text.append("\n");
}

}  // namespace

const char* stage_name(Stage stage) {
    static constexpr std::array names = {"read", "queue", "keys", "load", "infer", "write"};
    return names.at(static_cast<std::size_t>(stage));
}

void Metrics::Histogram::add(double seconds) {
    const auto bucket = std::ranges::lower_bound(buckets, seconds) - buckets.begin();
    ++counts.at(static_cast<std::size_t>(bucket));
    sum += seconds;
}

void Metrics::add(const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    ++requests_[{outcome.route, outcome.status}];
    durations_[outcome.route].add(outcome.seconds);
    for (const auto& [stage, seconds] : outcome.stages) {
        stages_.at(static_cast<std::size_t>(stage)).add(seconds);
    }
    bytes_in_ += outcome.bytes_in;
    bytes_out_ += outcome.bytes_out;
    images_ += outcome.images;
}

void Metrics::write(std::string& text, const char* name, const std::string& label,
                    const Histogram& histogram) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        below += histogram.counts.at(i);
        const std::string end = i < buckets.size() ? number(buckets.at(i)) : "+Inf";
        line(text, std::string(name) + "_bucket", label + ",le=\"" + end + "\"", static_cast<double>(below));
    }
    line(text, std::string(name) + "_sum", label, histogram.sum);
    line(text, std::string(name) + "_count", label, static_cast<double>(below));
}

std::string Metrics::format(const std::vector<Gauge>& gauges) const {
    std::string text;
    const std::lock_guard lock(mutex_);
    head(text, "lacuna_requests_total", "counter",
         "Requests by route and status; 499: the client went away.");
    for (const auto& [key, count] : requests_) {
        line(text, "lacuna_requests_total",
             "route=\"" + key.first + "\",status=\"" + std::to_string(key.second) + "\"",
             static_cast<double>(count));
    }
    head(text, "lacuna_request_seconds", "histogram",
         "Time from a request's headers to the end of its reply.");
    for (const auto& [route, histogram] : durations_) {
        write(text, "lacuna_request_seconds", "route=\"" + route + "\"", histogram);
    }
    head(text, "lacuna_stage_seconds", "histogram", "Time of requests by stage.");
    for (const Stage stage : all_stages) {
        write(text, "lacuna_stage_seconds", std::string("stage=\"") + stage_name(stage) + "\"",
              stages_.at(static_cast<std::size_t>(stage)));
    }
    const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
        head(text, name, "counter", help);
        line(text, name, "", static_cast<double>(value));
    };
    counter("lacuna_received_bytes_total", "Bytes of bodies received.", bytes_in_);
    counter("lacuna_sent_bytes_total", "Bytes of bodies sent.", bytes_out_);
    counter("lacuna_images_total", "Images classified.", images_);
    for (const Gauge& gauge : gauges) {
        head(text, gauge.name, "gauge", gauge.help);
        line(text, gauge.name, "", gauge.value);
    }
    return text;
}

}  // namespace lacuna::service
