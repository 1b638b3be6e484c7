// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <httplib.h>

#include "tools/service/limits.h"

namespace lacuna::service {

/// One client's socket, as cpp-httplib reads and writes it. Every phase of a request has one deadline for all
/// of it, so that bytes which trickle in do not put it off, and the head of a request has a limit.
class Connection : public httplib::Stream {
  public:
    /// The socket stays the caller's; it becomes non-blocking.
    Connection(int socket, const Limits& limits);

    /// Waits for the first byte of a request, not longer than the limit for idle ones or until `ending`.
    [[nodiscard]] bool await_request(const std::atomic<bool>& ending);
    /// From here on reads are of a request's head.
    void begin_head();
    /// Reads a body; all of it must come in the time that so many bytes may take. Returns the bytes that came
    /// before the client went away or time was over.
    std::size_t read_body(std::span<std::uint8_t> body);
    /// From here on writes are of a reply with so many bytes.
    void begin_reply(std::uint64_t bytes);

    /// Whether the client has closed its side: then nobody waits for an answer.
    [[nodiscard]] bool gone() const;
    /// Ends the connection in a way that lets the client read the reply even where it is still sending.
    void linger();

    // What cpp-httplib asks of a stream.
    [[nodiscard]] bool is_readable() const override;
    [[nodiscard]] bool is_writable() const override;
    ssize_t read(char* bytes, std::size_t size) override;
    ssize_t write(const char* bytes, std::size_t size) override;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    [[nodiscard]] socket_t socket() const override { return socket_; }

  private:
    using Clock = std::chrono::steady_clock;

    /// Whether these poll events come before the deadline.
    [[nodiscard]] bool wait(short events, Clock::time_point deadline) const;
    /// Receives once into the buffer, or where there is a larger target into that. Returns 0 at the end.
    std::size_t receive(std::span<char> target);
    [[nodiscard]] std::size_t take_buffered(std::span<char> target);

    int socket_;
    const Limits* limits_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;  // of what is buffered
    std::size_t end_ = 0;
    std::size_t head_left_ = 0;  // bytes that the head may still have
    Clock::time_point deadline_;
};

}  // namespace lacuna::service
