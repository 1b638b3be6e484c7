// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

namespace lacuna::service {

/// One JSON object a line: what happened, when and for how long. Nothing of a body or of a token ever gets
/// here: callers pass names, numbers and the errors' texts.
class AccessLog {
  public:
    /// The stream must outlive the log.
    explicit AccessLog(std::ostream& stream) : stream_(&stream) {}

    /// Adds the time, and writes the line.
    void write(const char* event, nlohmann::ordered_json fields = nlohmann::ordered_json::object());

  private:
    std::mutex mutex_;
    std::ostream* stream_;
};

}  // namespace lacuna::service
