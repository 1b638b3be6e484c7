// SPDX-License-Identifier: Apache-2.0
#include "tools/service/access_log.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

namespace lacuna::service {

namespace {

/// RFC 3339, UTC, milliseconds.
std::string now_text() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(milliseconds));
    return text.data();
}

}  // namespace

void AccessLog::write(const char* event, nlohmann::ordered_json fields) {
    nlohmann::ordered_json entry = {{"time", now_text()}, {"event", event}};
    for (auto& [name, value] : fields.items()) {
        entry[name] = std::move(value);
    }
    constexpr bool ascii = true;
    const std::string text =
        entry.dump(-1, ' ', ascii, nlohmann::ordered_json::error_handler_t::replace) + '\n';
    const std::lock_guard lock(mutex_);
    stream_->write(text.data(), static_cast<std::streamsize>(text.size())).flush();
}

}  // namespace lacuna::service
