// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna::service {

/// Why a request is not answered as it asked: an HTTP status, a code for programs, a text for people.
class RequestError : public Error {
  public:
    RequestError(int status, std::string code, const std::string& message, int retry_after = 0)
        : Error(message), status_(status), code_(std::move(code)), retry_after_(retry_after) {}

    [[nodiscard]] int status() const { return status_; }
    /// One of those in tools/service/README.md; stays the same from release to release.
    [[nodiscard]] const std::string& code() const { return code_; }
    /// Seconds after which it is worth trying again; 0: the same request will fail again.
    [[nodiscard]] int retry_after() const { return retry_after_; }

  private:
    int status_;
    std::string code_;
    int retry_after_;
};

}  // namespace lacuna::service
