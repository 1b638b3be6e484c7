// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "tools/service/service.h"

namespace lacuna::service {

/// A service behind HTTP/1.1. cpp-httplib listens, reads request lines and headers and writes replies;
/// sockets, deadlines, bodies and routes are the service's own.
class Server {
  public:
    Server(Service& service, const Limits& limits);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// port 0: any that is free. Returns the port. Throws Error.
    int bind(const std::string& host, int port);
    /// Serves until drain() has been called and every connection has ended.
    void run();
    /// Ends in order: says so at /readyz and in replies, then takes no new connection, then waits for what
    /// has begun, for the time that the limits give; what has not ended by then is stopped.
    void drain();

  private:
    class Http;
    std::unique_ptr<Http> http_;
};

}  // namespace lacuna::service
