// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/tools/service/remote_client.h>
#include "tests/support/child_process.h"
#include "tests/tools/small_model.h"
#include "tools/service/server.h"
#include "tools/service/service.h"

namespace lacuna::testing {

/// A server of the small model on a free port of this machine, in this process.
class RunningServer {
  public:
    explicit RunningServer(const service::Limits& limits = {}, const std::string& tokens = {}) {
        options_.limits = limits;
        options_.limits.notice = std::chrono::milliseconds(0);
        save_model(model_, folder_ / "small.lacuna.json");
        options_.entries = {{"small", folder_ / "small.lacuna.json", {}}};
        options_.store = folder_ / "keys";
        if (!tokens.empty()) {
            write_text(folder_ / "tokens", tokens);
            options_.tokens = folder_ / "tokens";
        }
        service_ = std::make_unique<service::Service>(options_, log_);
        server_ = std::make_unique<service::Server>(*service_, options_.limits);
        port_ = server_->bind("127.0.0.1", 0);
        thread_ = std::thread([this] { server_->run(); });
        service_->load({});
    }
    ~RunningServer() { end(); }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    void end() {
        if (thread_.joinable()) {
            server_->drain();
            thread_.join();
        }
    }

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string log() const { return log_.str(); }
    [[nodiscard]] std::filesystem::path store() const { return options_.store; }
    [[nodiscard]] const Model& model() const { return model_; }
    [[nodiscard]] service::Service& service() { return *service_; }

  private:
    TemporaryFolder folder_;
    Model model_ = test::small_model();
    service::ServiceOptions options_;
    std::ostringstream log_;
    std::unique_ptr<service::Service> service_;
    std::unique_ptr<service::Server> server_;
    int port_ = 0;
    std::thread thread_;
};

inline std::string as_text(const std::vector<std::uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
}

/// The name that bytes of any kind claim as if they were evaluation keys: the checksum at their end.
inline KeySetId claimed_name(const std::vector<std::uint8_t>& bytes) {
    KeySetId id{};
    std::copy(bytes.end() - static_cast<std::ptrdiff_t>(id.size()), bytes.end(), id.begin());
    return id;
}

/// A client of a plan: its keys as their file is, and its upload.
struct SmallClient {
    explicit SmallClient(const ClientPlan& plan) : client(plan) {
        std::ostringstream stream;
        save(stream, client.context().ring(), client.evaluation_keys());
        const std::string text = std::move(stream).str();
        record.assign(text.begin(), text.end());
        id = read_key_set_id(record);
    }
    [[nodiscard]] std::string upload(const std::vector<std::uint8_t>& pixels) const {
        std::ostringstream stream;
        save_upload(stream, client.context().ring(), client.plan(), id, client.encrypt(pixels));
        return std::move(stream).str();
    }

    Client client;
    std::vector<std::uint8_t> record;
    KeySetId id{};
};

}  // namespace lacuna::testing
