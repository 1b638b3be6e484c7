// SPDX-License-Identifier: Apache-2.0
#include "tools/service/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace lacuna::service {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{16} << 10;
/// Between two looks at whether the server ends.
constexpr std::chrono::milliseconds patience{100};
constexpr std::chrono::milliseconds lingering{1000};

void address_of(int socket, decltype(&::getpeername) which, std::string& ip, int& port) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    if (which(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        return;
    }
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), length, host.data(), host.size(), service.data(),
                      service.size(), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        ip = host.data();
        port = std::atoi(service.data());
    }
}

}  // namespace

Connection::Connection(int socket, const Limits& limits)
    : socket_(socket), limits_(&limits), buffer_(buffer_bytes) {
    ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL, 0) | O_NONBLOCK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool Connection::wait(short events, Clock::time_point deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd entry{socket_, events, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

std::size_t Connection::receive(std::span<char> target) {
    for (;;) {
        const ssize_t count = ::recv(socket_, target.data(), target.size(), 0);
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait(POLLIN, deadline_)) {
                return 0;
            }
        } else if (errno != EINTR) {
            return 0;
        }
    }
}

std::size_t Connection::take_buffered(std::span<char> target) {
    const std::size_t count = std::min(target.size(), end_ - begin_);
    std::memcpy(target.data(), buffer_.data() + begin_, count);
    begin_ += count;
    return count;
}

bool Connection::await_request(const std::atomic<bool>& ending) {
    const Clock::time_point deadline = Clock::now() + limits_->idle;
    while (begin_ == end_) {
        const Clock::time_point now = Clock::now();
        if (ending || now >= deadline) {
            return false;
        }
        if (wait(POLLIN, std::min(deadline, now + patience))) {
            return true;
        }
    }
    return true;
}

void Connection::begin_head() {
    head_left_ = limits_->head_bytes;
    deadline_ = Clock::now() + limits_->head;
}

ssize_t Connection::read(char* bytes, std::size_t size) {
    // cpp-httplib reads heads only, a byte at a time; bodies are read by read_body().
    if (head_left_ == 0) {
        return -1;
    }
    if (begin_ == end_) {
        // A clock for every buffer, as bytes that are there already could be a request every time.
        if (Clock::now() >= deadline_) {
            return -1;
        }
        begin_ = 0;
        end_ = receive(buffer_);
        if (end_ == 0) {
            return -1;
        }
    }
    const std::size_t count = take_buffered({bytes, std::min(size, head_left_)});
    head_left_ -= count;
    return static_cast<ssize_t>(count);
}

std::size_t Connection::read_body(std::span<std::uint8_t> body) {
    deadline_ = Clock::now() + limits_->transfer_time(body.size());
    const std::span<char> target(reinterpret_cast<char*>(body.data()), body.size());
    std::size_t done = take_buffered(target);
    while (done < target.size() && Clock::now() < deadline_) {
        const std::size_t count = receive(target.subspan(done));
        if (count == 0) {
            break;
        }
        done += count;
    }
    return done;
}

void Connection::begin_reply(std::uint64_t bytes) {
    deadline_ = Clock::now() + limits_->transfer_time(bytes);
}

ssize_t Connection::write(const char* bytes, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = ::send(socket_, bytes + done, size - done, MSG_NOSIGNAL);
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait(POLLOUT, deadline_)) {
                return -1;
            }
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return static_cast<ssize_t>(done);
}

bool Connection::gone() const {
    pollfd entry{socket_, POLLRDHUP, 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Connection::linger() {
    // Closing while bytes are unread would reset the connection, and the client lose the reply.
    ::shutdown(socket_, SHUT_WR);
    deadline_ = Clock::now() + lingering;
    while (Clock::now() < deadline_ && receive(buffer_) > 0) {
    }
}

bool Connection::is_readable() const {
    return begin_ != end_ || wait(POLLIN, deadline_);
}

bool Connection::is_writable() const {
    return wait(POLLOUT, deadline_);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
    address_of(socket_, ::getpeername, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
    address_of(socket_, ::getsockname, ip, port);
}

}  // namespace lacuna::service
