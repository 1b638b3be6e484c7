// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/run_control.h>

namespace lacuna::service {

/// What a request to a server took.
struct RemoteReport {
    std::uint64_t key_bytes = 0;  ///< evaluation keys sent; 0 where the server had them
    std::uint64_t upload_bytes = 0;
    std::uint64_t reply_bytes = 0;
    double seconds = 0;         ///< from the first byte sent to the last received
    std::string server_timing;  ///< the server's own account, "stage;dur=milliseconds, ..."
};

/// The client's side of `lacuna serve`. A connection is kept between calls; use one object a thread. Every
/// call throws Error that names the URL and has the server's own text where it refuses, and Stopped. Where a
/// server dies under a request, it is sent again, twice at most. Progress of what is sent says how many bytes
/// of how many: "sent 12.3 of 51.2 MB".
class RemoteClient {
  public:
    /// url: http://host:port or https://host:port; without a port 80 or 443. token: empty, or what the
    /// server's operator gave.
    explicit RemoteClient(const std::string& url, const std::string& token = {});
    ~RemoteClient();
    RemoteClient(RemoteClient&&) noexcept;
    RemoteClient& operator=(RemoteClient&&) noexcept;

    /// The names of the models that the server answers for.
    [[nodiscard]] std::vector<std::string> models();
    /// The client's half of the plan of one of them.
    [[nodiscard]] ClientPlan plan(const std::string& model);

    [[nodiscard]] bool has_keys(const KeySetId& id);
    /// record: evaluation keys as `lacuna keygen` and save() write them. Nothing secret. Sent where the
    /// server does not have them yet; returns the bytes sent.
    std::uint64_t send_keys(std::span<const std::uint8_t> record, const RunControl& control = {});

    /// The reply to an upload, both as their files are.
    [[nodiscard]] std::string infer(const std::string& model, const KeySetId& keys, const std::string& upload,
                                    RemoteReport& report, const RunControl& control = {});

    /// All of it: encrypts images, sends what the server needs, and decrypts its reply: logits[image][class].
    /// client must be under this model's plan, record hold its evaluation keys.
    [[nodiscard]] std::vector<std::vector<mpz_class>> classify(const std::string& model, const Client& client,
                                                               std::span<const std::uint8_t> record,
                                                               std::span<const std::uint8_t> pixels,
                                                               RemoteReport& report,
                                                               const RunControl& control = {});

  private:
    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace lacuna::service
