// SPDX-License-Identifier: Apache-2.0
#include <lacuna/tools/service/remote_client.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <sstream>
#include <thread>
#include <utility>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <lacuna/he/files/json_document.h>
#include <lacuna/ntt/error.h>

namespace lacuna::service {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* binary = "application/octet-stream";
constexpr int connect_seconds = 10;
/// A server may let a request wait in its queue before it works on it.
constexpr int answer_seconds = 600;
/// Of what a server says in JSON.
constexpr detail::JsonLimits reply_limits{std::size_t{1} << 20, 8, std::size_t{1} << 14,
                                          std::size_t{1} << 12};
constexpr std::size_t piece = std::size_t{64} << 10;
constexpr int most_tries = 3;
constexpr std::chrono::milliseconds pause_between_tries{200};

/// "sent 12.3 of 51.2 MB".
std::string sent_text(std::size_t sent, std::size_t size) {
    constexpr double megabyte = 1e6;
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << "sent " << static_cast<double>(sent) / megabyte << " of "
         << static_cast<double>(size) / megabyte << " MB";
    return text.str();
}

/// The same control for part `part` of `parts` equal ones of the work.
RunControl part_of(const RunControl& control, double part, double parts) {
    RunControl result = control;
    if (control.progress) {
        result.progress = [&control, part, parts](const Progress& progress) {
            control.report(progress.what, part + progress.done / progress.total, parts);
        };
    }
    return result;
}

}  // namespace

struct RemoteClient::Connection {
    Connection(std::string server, const std::string& token) : url(checked(std::move(server))), http(url) {
        http.set_keep_alive(true);
        http.set_tcp_nodelay(true);
        http.set_connection_timeout(connect_seconds);
        http.set_read_timeout(answer_seconds);
        http.set_write_timeout(answer_seconds);
        if (!token.empty()) {
            http.set_bearer_token_auth(token);
        }
    }

    /// cpp-httplib's own complaint about another scheme says less.
    static std::string checked(std::string url) {
        const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
        if (scheme == 0 || url.size() == scheme || url.find_first_of("/?#@ ", scheme) != std::string::npos) {
            throw Error(url +
                        ": expected http://HOST:PORT or https://HOST:PORT, found something else; give the "
                        "address that `lacuna serve` prints");
        }
        return url;
    }

    /// A server that dies under a request leaves it without an answer, or with a proxy's "bad gateway". Every
    /// request may be sent twice, so another server may answer it, or the same one when it is back.
    template <typename Send>
    static httplib::Result send(const Send& request, const std::stop_token& stop) {
        constexpr int bad_gateway = 502;
        for (int tries = 1;; ++tries) {
            httplib::Result result = request();
            const bool died =
                result ? result->status == bad_gateway
                       : result.error() == httplib::Error::Read || result.error() == httplib::Error::Write;
            if (!died || tries == most_tries || stop.stop_requested()) {
                return result;
            }
            std::this_thread::sleep_for(pause_between_tries);
        }
    }

    httplib::Result get(const std::string& path) {
        return send([&] { return http.Get(path); }, {});
    }

    /// The body of a good answer. Throws for any other.
    std::string check(const httplib::Result& result, const std::stop_token& stop) const {
        if (!result) {
            if (stop.stop_requested()) {
                throw Stopped();
            }
            throw Error(url + ": expected an answer, found none (" + httplib::to_string(result.error()) +
                        "); check the address, and that `lacuna serve` runs there");
        }
        constexpr int ok = 200;
        if (result->status != ok) {
            throw Error(url + ": status " + std::to_string(result->status) + ": " + text_of(result->body));
        }
        return result->body;
    }

    /// What an answer that is no good one says.
    static std::string text_of(const std::string& body) {
        try {
            const nlohmann::json document = detail::parse_json(body, "answer", reply_limits);
            return document.at("error").at("message").get<std::string>();
        } catch (const std::exception&) {
            return "expected a reason, found none; is this a server of lacuna?";
        }
    }

    /// A provider of a body that stops where it is asked to. Reports how many bytes are sent.
    static httplib::ContentProvider provider(std::span<const std::uint8_t> body, const RunControl& control) {
        const std::size_t step = std::max<std::size_t>(1, body.size() / 100);  // bytes to a report
        return [=, &control](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
            if (control.stop.stop_requested()) {
                return false;
            }
            const std::size_t size = std::min(length, piece);
            if (!sink.write(reinterpret_cast<const char*>(body.data()) + offset, size)) {
                return false;
            }
            const std::size_t sent = offset + size;
            if (sent == body.size()) {
                control.report("await the answer", 1, 1);
            } else if (sent / step != offset / step) {
                control.report(sent_text(sent, body.size()), static_cast<double>(sent),
                               static_cast<double>(body.size()));
            }
            return true;
        };
    }

    std::string url;
    httplib::Client http;
};

RemoteClient::RemoteClient(const std::string& url, const std::string& token) {
    std::string server = url;
    while (server.ends_with('/')) {
        server.pop_back();
    }
    connection_ = std::make_unique<Connection>(std::move(server), token);
}

RemoteClient::~RemoteClient() = default;
RemoteClient::RemoteClient(RemoteClient&&) noexcept = default;
RemoteClient& RemoteClient::operator=(RemoteClient&&) noexcept = default;

std::vector<std::string> RemoteClient::models() {
    const std::string body = connection_->check(connection_->get("/v1/models"), {});
    std::vector<std::string> names;
    try {
        const nlohmann::json document = detail::parse_json(body, connection_->url, reply_limits);
        for (const auto& model : document.at("models")) {
            names.push_back(model.at("name").get<std::string>());
        }
    } catch (const nlohmann::json::exception&) {
        throw Error(connection_->url +
                    ": expected a list of models, found something else; is this a server of lacuna?");
    }
    return names;
}

ClientPlan RemoteClient::plan(const std::string& model) {
    const std::string body = connection_->check(connection_->get("/v1/models/" + model + "/plan"), {});
    return parse_client_plan(body, connection_->url + ": plan");
}

bool RemoteClient::has_keys(const KeySetId& id) {
    const auto result = connection_->get("/v1/keys/" + format_hash(id));
    constexpr int missing = 404;
    if (result && result->status == missing) {
        return false;
    }
    connection_->check(result, {});
    return true;
}

std::uint64_t RemoteClient::send_keys(std::span<const std::uint8_t> record, const RunControl& control) {
    const KeySetId id = read_key_set_id(record);
    if (has_keys(id)) {
        return 0;
    }
    const auto put = [&] {
        return connection_->http.Put("/v1/keys/" + format_hash(id), record.size(),
                                     Connection::provider(record, control), binary);
    };
    connection_->check(Connection::send(put, control.stop), control.stop);
    return record.size();
}

std::string RemoteClient::infer(const std::string& model, const KeySetId& keys, const std::string& upload,
                                RemoteReport& report, const RunControl& control) {
    const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(upload.data()),
                                              upload.size());
    const Clock::time_point start = Clock::now();
    const std::string path = "/v1/models/" + model + "/infer?keys=" + format_hash(keys);
    const auto post = [&] {
        return connection_->http.Post(path, bytes.size(), Connection::provider(bytes, control), binary);
    };
    const httplib::Result result = Connection::send(post, control.stop);
    std::string reply = connection_->check(result, control.stop);
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    report.upload_bytes = upload.size();
    report.reply_bytes = reply.size();
    report.server_timing = result->get_header_value("Server-Timing");
    return reply;
}

std::vector<std::vector<mpz_class>> RemoteClient::classify(const std::string& model, const Client& client,
                                                           std::span<const std::uint8_t> record,
                                                           std::span<const std::uint8_t> pixels,
                                                           RemoteReport& report, const RunControl& control) {
    const KeySetId id = read_key_set_id(record);
    constexpr double parts = 5;  // send keys, encrypt, write, send, decrypt
    report.key_bytes = send_keys(record, part_of(control, 0, parts));
    std::ostringstream stream;
    save_upload(stream, client.context().ring(), client.plan(), id,
                client.encrypt(pixels, part_of(control, 1, parts)), part_of(control, 2, parts));
    const std::string reply = infer(model, id, std::move(stream).str(), report, part_of(control, 3, parts));
    Source source({reinterpret_cast<const std::uint8_t*>(reply.data()), reply.size()},
                  connection_->url + ": reply");
    EncryptedTensor tensor = load_reply(source, client.context(), client.plan(), id);
    source.expect_end();
    return client.decrypt(tensor, part_of(control, 4, parts));
}

}  // namespace lacuna::service
