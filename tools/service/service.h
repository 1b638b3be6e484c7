// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <ostream>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/service/access_log.h"
#include "tools/service/admission.h"
#include "tools/service/connection.h"
#include "tools/service/demo_page.h"
#include "tools/service/key_cache.h"
#include "tools/service/key_store.h"
#include "tools/service/limits.h"
#include "tools/service/metrics.h"
#include "tools/service/request_error.h"
#include "tools/service/request_head.h"
#include "tools/service/served_models.h"
#include "tools/service/tokens.h"
#include "tools/service/workers.h"

namespace lacuna::service {

/// What an operator decides.
struct ServiceOptions {
    std::vector<ServedEntry> entries;
    std::filesystem::path config;  ///< read for entries, and again by reload(); empty: entries as they are
    std::filesystem::path tokens;  ///< empty: open to everybody
    std::filesystem::path store;
    std::filesystem::path demo;  ///< the browser client's files; empty: no page
    int threads = 1;             ///< of one request
    Limits limits;
};

/// What goes back to a client.
struct Reply {
    int status = 200;
    std::string type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    bool close = false;  ///< the connection cannot go on: a body has not been read to its end
};

/// The answers of a server, whatever carries them. Safe to use from several threads.
class Service {
  public:
    Service(const ServiceOptions& options, std::ostream& log);

    /// Reads models, plans and tokens, at first or anew; requests that have begun keep what they have. Throws
    /// Error, and Stopped; what was there before stays then.
    void load(const std::stop_token& stop);

    /// The answer to a request whose body, if any, is still on the connection. Never throws.
    [[nodiscard]] Reply answer(std::string_view method, std::string_view target,
                               std::span<const Header> headers, Connection& connection, Outcome& outcome);
    /// The answer to what is no request.
    [[nodiscard]] static Reply complaint(int status);
    /// After the answer has been sent: counts and logs it.
    void finish(const Outcome& outcome, std::string_view method, const std::string& peer);

    /// From now on GET /readyz says no.
    void announce_end() { ending_ = true; }
    /// Requests that have begun are stopped.
    void abandon() { abandoned_ = true; }

    void count_connections(int change) { connections_ += change; }
    [[nodiscard]] AccessLog& log() { return log_; }

  private:
    struct State {
        ServedModels models;
        Tokens tokens;
    };
    class Body;

    [[nodiscard]] std::shared_ptr<const State> state() const;
    [[nodiscard]] Reply dispatch(const RequestHead& head, std::span<const Header> headers,
                                 Connection& connection, Outcome& outcome);
    [[nodiscard]] Reply ready() const;
    [[nodiscard]] Reply metrics() const;
    [[nodiscard]] Reply page(const RequestHead& head) const;
    [[nodiscard]] Reply key_set(const KeySetId& id) const;
    [[nodiscard]] Reply store_keys(const State& state, const RequestHead& head, Connection& connection,
                                   Outcome& outcome);
    [[nodiscard]] Reply infer(const State& state, const RequestHead& head, Connection& connection,
                              Outcome& outcome);
    /// Throws RequestError where the body may not come, or does not.
    [[nodiscard]] Body receive(const RequestHead& head, std::uint64_t most, Connection& connection,
                               Outcome& outcome);
    /// Runs a job on a worker while the client waits.
    void work(const Workers::Job& job, const Connection& connection, Outcome& outcome);
    [[nodiscard]] static Reply failure(const RequestError& problem);

    ServiceOptions options_;
    AccessLog log_;
    Metrics metrics_;
    Admission admission_;
    KeyStore store_;
    KeyCache cache_;
    Workers workers_;
    DemoPage demo_;
    std::atomic<bool> ending_ = false;
    std::atomic<bool> abandoned_ = false;
    std::atomic<int> connections_ = 0;
    mutable std::mutex mutex_;
    std::shared_ptr<const State> state_;  // none until the first load() is done
};

}  // namespace lacuna::service
