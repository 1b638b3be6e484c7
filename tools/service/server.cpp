// SPDX-License-Identifier: Apache-2.0
#include "tools/service/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include <httplib.h>

#include "tools/service/connection.h"
#include "tools/service/connection_threads.h"

namespace lacuna::service {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int backlog = 511;
constexpr int client_gone = 499;

/// What happens on a connection at the moment, for the handlers that cpp-httplib calls in its thread.
struct Exchange {
    Connection* connection = nullptr;
    Outcome outcome;
    std::string method;
    std::string peer;
    bool answered = false;  ///< else cpp-httplib refuses it by itself
    bool close = true;
    bool unread = true;  ///< bytes of the request may still be coming
};
thread_local Exchange* exchange = nullptr;

/// Connections that somebody else than their own thread may have to end.
class ConnectionSet {
  public:
    void add(const Connection& connection) {
        const std::lock_guard lock(mutex_);
        connections_.push_back(&connection);
    }
    /// Before its socket is closed.
    void remove(const Connection& connection) {
        const std::lock_guard lock(mutex_);
        std::erase(connections_, &connection);
    }
    /// Ends the one that has been here longest.
    void end_oldest() {
        const std::lock_guard lock(mutex_);
        if (!connections_.empty()) {
            ::shutdown(connections_.front()->socket(), SHUT_RDWR);
            connections_.erase(connections_.begin());
        }
    }
    /// Nothing more can be read from any of them; what is being written still can be.
    void end_reading() {
        const std::lock_guard lock(mutex_);
        for (const Connection* connection : connections_) {
            ::shutdown(connection->socket(), SHUT_RD);
        }
    }

  private:
    std::mutex mutex_;
    std::vector<const Connection*> connections_;  // oldest first
};

/// Whether the thread that accepts has to turn this connection away.
thread_local bool house_full = false;

constexpr std::string_view full_reply =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    "Content-Type: application/json\r\nContent-Length: 106\r\n\r\n"
    R"({"error":{"code":"busy","message":"expected a free connection, found none; try again in a few seconds"}})"
    "\r\n";

void set_reuse(int socket) {
    // Not SO_REUSEPORT, with which a second server would take a part of the requests unnoticed.
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

std::vector<Header> headers_of(const httplib::Request& request) {
    std::vector<Header> headers;
    for (const auto& [name, value] : request.headers) {
        headers.emplace_back(name, value);
    }
    return headers;
}

}  // namespace

class Server::Http : public httplib::Server {
  public:
    Http(Service& service, const Limits& limits) : service_(&service), limits_(limits) {
        new_task_queue = [this] {
            return new ConnectionThreads(limits_.connections, [](bool full) { house_full = full; });
        };
        set_socket_options(set_reuse);
        set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
            answer(request, response);
            return HandlerResponse::Handled;
        });
        set_error_handler([](const httplib::Request&, httplib::Response& response) {
            if (!exchange->answered) {
                write(Service::complaint(response.status), response);
                exchange->outcome.status = response.status;
            }
        });
        set_post_routing_handler([this](const httplib::Request&, httplib::Response& response) {
            exchange->close |= ending_ || !exchange->answered;
            response.headers.erase("Keep-Alive");  // cpp-httplib's, and other limits than ours
            if (exchange->close) {
                response.headers.erase("Connection");
                response.set_header("Connection", "close");
            }
            exchange->connection->begin_reply(response.body.size());
        });
    }

    int bind(const std::string& host, int port) {
        const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
        if (bound < 0) {
            throw Error("address " + host + ":" + std::to_string(port) +
                        ": cannot listen there: " + std::strerror(errno) + "; choose another with --listen");
        }
        // cpp-httplib's own queue holds five.
        ::listen(svr_sock_, backlog);
        return bound;
    }

    void serve() {
        listen_after_bind();
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        ended_.notify_all();
    }

    void drain() {
        service_->announce_end();
        ending_ = true;
        std::this_thread::sleep_for(limits_.notice);
        ended_idle_ = true;
        stop();
        std::unique_lock lock(mutex_);
        if (!ended_.wait_for(lock, limits_.drain, [&] { return over_; })) {
            service_->abandon();
            open_.end_reading();
        }
    }

  private:
    static void write(const Reply& reply, httplib::Response& response) {
        response.status = reply.status;
        response.set_content(reply.body, reply.type);
        for (const auto& [name, value] : reply.headers) {
            response.set_header(name, value);
        }
    }

    void answer(const httplib::Request& request, httplib::Response& response) {
        exchange->answered = true;
        waiting_.remove(*exchange->connection);
        exchange->method = request.method;
        exchange->peer = request.remote_addr;
        const std::vector<Header> headers = headers_of(request);
        const Reply reply = service_->answer(request.method, request.target, headers, *exchange->connection,
                                             exchange->outcome);
        exchange->close = reply.close;
        exchange->unread = reply.close;
        write(reply, response);
    }

    /// One connection, from its first byte to its last.
    bool process_and_close_socket(socket_t socket) override {
        if (house_full) {
            [[maybe_unused]] const ssize_t sent =
                ::send(socket, full_reply.data(), full_reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            ::shutdown(socket, SHUT_RDWR);
            ::close(socket);
            waiting_.end_oldest();
            return false;
        }
        service_->count_connections(1);
        Connection connection(socket, limits_);
        open_.add(connection);
        Turn turn = Turn::next;
        while (turn == Turn::next) {
            waiting_.add(connection);
            turn = connection.await_request(ended_idle_) ? process(connection) : Turn::end;
            waiting_.remove(connection);
        }
        if (turn == Turn::end_unread) {
            connection.linger();
        }
        open_.remove(connection);
        ::close(socket);
        service_->count_connections(-1);
        return true;
    }

    /// What follows a request.
    enum class Turn { next, end, end_unread };

    /// One request.
    Turn process(Connection& connection) {
        Exchange current;
        current.connection = &connection;
        exchange = &current;
        connection.begin_head();
        const Clock::time_point start = Clock::now();
        bool closed = false;
        const bool written = process_request(connection, false, closed, [](httplib::Request& request) {
            request.ranges.clear();  // a reply is one, whole
        });
        exchange = nullptr;
        if (current.outcome.status == 0) {
            return Turn::end;  // the connection ended before there was a request
        }
        current.outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (!written) {
            current.outcome.status = client_gone;
        }
        if (current.outcome.route.empty()) {
            current.outcome.route = "other";
        }
        service_->finish(current.outcome, current.method, current.peer);
        if (current.unread) {
            return Turn::end_unread;
        }
        return written && !closed && !current.close ? Turn::next : Turn::end;
    }

    Service* service_;
    Limits limits_;
    ConnectionSet open_;
    ConnectionSet waiting_;  // of these, those whose next request has not come in yet
    std::atomic<bool> ending_ = false;
    std::atomic<bool> ended_idle_ = false;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;
};

Server::Server(Service& service, const Limits& limits) : http_(std::make_unique<Http>(service, limits)) {}

Server::~Server() = default;

int Server::bind(const std::string& host, int port) {
    return http_->bind(host, port);
}

void Server::run() {
    http_->serve();
}

void Server::drain() {
    http_->drain();
}

}  // namespace lacuna::service
