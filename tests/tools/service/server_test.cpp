// SPDX-License-Identifier: Apache-2.0
//
// A server and its clients in one process, over loopback: good requests, and what hostile clients send.
#include "tools/service/server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <lacuna/he/files/record.h>
#include "tests/tools/service/raw_socket.h"
#include "tests/tools/service/running_server.h"
#include "tools/answers.h"

namespace lacuna::service {
namespace {

using testing::as_text;
using testing::RawSocket;
using testing::RunningServer;
using testing::SmallClient;
using namespace std::chrono_literals;

const std::vector<std::uint8_t> pixels = {200, 10, 180, 0};

std::string request(const std::string& line, const std::string& body = {},
                    const std::string& headers = "Connection: close\r\n") {
    return line + " HTTP/1.1\r\nHost: here\r\n" + headers +
           (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
}

/// What comes back for some bytes, until the server closes.
std::string answer_to(int port, const std::string& bytes, bool end_sending = false) {
    const RawSocket socket(port);
    (void)socket.send(bytes);
    if (end_sending) {
        socket.end_sending();
    }
    return socket.receive_all();
}

int status_of(const std::string& answer) {
    constexpr std::size_t place = 9;  // behind "HTTP/1.1 "
    return answer.size() > place ? std::atoi(answer.c_str() + place) : 0;
}

/// The error's code; the answer must be JSON.
std::string code_of(const std::string& answer) {
    const auto document = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    EXPECT_FALSE(document.at("error").at("message").get<std::string>().empty());
    return document.at("error").at("code");
}

std::string infer_line(const KeySetId& id, const std::string& model = "small") {
    return "POST /v1/models/" + model + "/infer?keys=" + format_hash(id);
}

TEST(Server, ClassifiesForSeveralClients) {
    RunningServer server;
    RemoteClient remote(server.url());
    EXPECT_EQ(remote.models(), std::vector<std::string>{"small"});
    const ClientPlan plan = remote.plan("small");
    for (int i = 0; i < 2; ++i) {
        const SmallClient client(plan);
        for (int request = 0; request < 2; ++request) {
            RemoteReport report;
            EXPECT_EQ(remote.classify("small", client.client, client.record, pixels, report),
                      Logits{Reference(server.model()).logits(pixels)});
            EXPECT_EQ(report.key_bytes, request == 0 ? client.record.size() : 0);
            EXPECT_NE(report.server_timing.find("infer;dur="), std::string::npos) << report.server_timing;
        }
    }
    const std::string metrics = answer_to(server.port(), request("GET /metrics"));
    EXPECT_NE(metrics.find("lacuna_images_total 4\n"), std::string::npos) << metrics;
    EXPECT_NE(metrics.find("lacuna_key_sets 2\n"), std::string::npos) << metrics;
    EXPECT_NE(metrics.find("lacuna_body_bytes 0\n"), std::string::npos) << metrics;
}

TEST(Server, SaysWhetherItIsAliveAndReady) {
    RunningServer server;
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /healthz"))), 200);
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /readyz"))), 200);
    server.service().announce_end();
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /healthz"))), 200);
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /readyz"))), 503);
}

TEST(Server, SaysInJsonWhyItRefuses) {
    RunningServer server;
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    const SmallClient other(remote.plan("small"));
    const std::string upload = client.upload(pixels);
    const int port = server.port();
    const auto code = [&](const std::string& line, const std::string& body) {
        return code_of(answer_to(port, request(line, body)));
    };
    EXPECT_EQ(code("GET /nothing", ""), "not_found");
    EXPECT_EQ(code("GET /", ""), "not_found");  // there is no page unless it is asked for
    EXPECT_EQ(code("GET /index.html", ""), "not_found");
    EXPECT_EQ(code(infer_line(client.id, "other"), upload), "model_unknown");
    EXPECT_EQ(code(infer_line(client.id), upload), "keys_unknown");
    const std::string put = "PUT /v1/keys/" + format_hash(client.id);
    EXPECT_EQ(code(put, upload), "keys_damaged");
    EXPECT_EQ(code(put, as_text(other.record)), "keys_damaged");
    EXPECT_EQ(code(put, as_text(client.record) + "x"), "keys_damaged");
    remote.send_keys(client.record);
    remote.send_keys(other.record);
    EXPECT_EQ(code(infer_line(other.id), upload), "wrong_keys");
    EXPECT_EQ(code(infer_line(client.id), as_text(client.record)), "upload");
    EXPECT_EQ(code(infer_line(client.id), upload.substr(0, upload.size() / 2)), "upload");
    EXPECT_EQ(code(infer_line(client.id), upload + "x"), "upload");
    EXPECT_EQ(code(infer_line(client.id), std::string(1, 'x')), "upload");
    std::string damaged = upload;
    damaged[upload.size() / 2] = static_cast<char>(damaged[upload.size() / 2] ^ 1);
    EXPECT_EQ(code(infer_line(client.id), damaged), "upload");
    // And is as good as before.
    EXPECT_EQ(status_of(answer_to(port, request(infer_line(client.id), upload))), 200);
}

TEST(Server, NeitherStoresNorNamesASecretKey) {
    RunningServer server;
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    std::ostringstream stream;
    save(stream, client.client.context().ring(), client.client.secret_key());
    const std::string secret = stream.str();
    const std::vector<std::uint8_t> bytes(secret.begin(), secret.end());
    const std::string answer = answer_to(
        server.port(), request("PUT /v1/keys/" + format_hash(testing::claimed_name(bytes)), secret));
    EXPECT_EQ(status_of(answer), 400);
    EXPECT_EQ(code_of(answer), "secret_key");
    remote.send_keys(client.record);
    EXPECT_EQ(code_of(answer_to(server.port(), request(infer_line(client.id), secret))), "secret_key");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(server.store()),
                            std::filesystem::directory_iterator()),
              1);
}

TEST(Server, AsksForATokenWhereItHasSome) {
    const std::string token = "0123456789abcdef";
    RunningServer server({}, token + "\n");
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /healthz"))), 200);
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /v1/models"))), 401);
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /metrics"))), 401);
    EXPECT_THROW((void)RemoteClient(server.url(), "another token here").models(), Error);
    EXPECT_EQ(RemoteClient(server.url(), token).models().size(), 1U);
    server.end();
    EXPECT_EQ(server.log().find(token), std::string::npos);
}

TEST(Server, RefusesLargeBodiesBeforeTheyCome) {
    Limits limits;
    limits.upload_bytes = 1000;
    limits.key_bytes = 1000;
    RunningServer server(limits);
    const std::string keys = "PUT /v1/keys/" + format_hash(KeySetId{1});
    // Nothing of the body is sent, and the answer is there.
    const std::string answer = answer_to(server.port(), request(keys, "", "Content-Length: 1001\r\n"));
    EXPECT_EQ(status_of(answer), 413);
    EXPECT_EQ(code_of(answer), "too_large");
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_EQ(status_of(answer_to(server.port(), request(keys, "", "Content-Length: 99999999999999\r\n"))),
              413);
}

TEST(Server, EndsHeadsThatAreLongOrSlow) {
    Limits limits;
    limits.head = 200ms;
    limits.head_bytes = 1000;
    RunningServer server(limits);
    EXPECT_EQ(answer_to(server.port(), "GET /" + std::string(5000, 'a')), "");
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /healthz", "", std::string(5000, 'a')))), 400);
    const RawSocket slow(server.port());
    const auto start = std::chrono::steady_clock::now();
    std::string received;
    auto reading = std::async(std::launch::async, [&] { return slow.receive_all(); });
    while (slow.send("a") && reading.wait_for(10ms) != std::future_status::ready &&
           std::chrono::steady_clock::now() - start < 20s) {
    }
    ASSERT_EQ(reading.wait_for(10s), std::future_status::ready);
    EXPECT_EQ(reading.get(), "");
}

TEST(Server, EndsBodiesThatAreSlowAndServesOthersMeanwhile) {
    Limits limits;
    limits.transfer = 300ms;
    RunningServer server(limits);
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    remote.send_keys(client.record);
    const std::string upload = client.upload(pixels);
    const std::string slow = request(infer_line(client.id), upload);
    const RawSocket socket(server.port());
    (void)socket.send(slow.substr(0, slow.size() / 2));
    RemoteReport report;
    EXPECT_EQ(remote.classify("small", client.client, client.record, pixels, report).size(), 1U);
    const std::string answer = socket.receive_all();
    EXPECT_EQ(status_of(answer), 408);
    EXPECT_EQ(code_of(answer), "slow");
}

TEST(Server, SaysWhatIsMissingOfATruncatedBody) {
    RunningServer server;
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    const std::string put = request("PUT /v1/keys/" + format_hash(client.id), as_text(client.record));
    const std::string answer = answer_to(server.port(), put.substr(0, put.size() - 7), true);
    EXPECT_EQ(status_of(answer), 400);
    EXPECT_EQ(code_of(answer), "truncated");
    EXPECT_FALSE(remote.has_keys(client.id));
}

TEST(Server, SurvivesWhatIsNoHttp) {
    RunningServer server;
    for (const std::string& bytes :
         {std::string("\r\n\r\n"), std::string(100, '\0'), std::string("GET\r\n\r\n"),
          std::string("\x16\x03\x01\x02"), std::string("GET /healthz HTTP/9.9\r\n\r\n"),
          std::string("GET /healthz HTTP/1.1\r\nHost : here\r\n\r\n"),
          request("GET /healthz", "", "Transfer-Encoding: chunked\r\n"),
          request("GET /healthz", "", "Content-Length: 3\r\n"), request("BREW /healthz")}) {
        EXPECT_NE(status_of(answer_to(server.port(), bytes, true)), 200) << bytes;
    }
    EXPECT_EQ(status_of(answer_to(server.port(), request("GET /healthz", "",
                                                         "Connection: close\r\nRange: bytes=0-0,0-0\r\n"))),
              200);
}

TEST(Server, TakesNoSecondRequestOutOfARefusedBody) {
    RunningServer server;
    const std::string hidden = request("GET /healthz");
    const std::string keys = "PUT /v1/keys/" + format_hash(KeySetId{1});
    const std::string answer =
        answer_to(server.port(), request(keys, "", "Transfer-Encoding: chunked\r\n") + hidden);
    EXPECT_EQ(status_of(answer), 411);
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
}

TEST(Server, KeepsAConnectionForRequestsInARow) {
    RunningServer server;
    const std::string answer =
        answer_to(server.port(),
                  request("GET /healthz", "", "") + request("GET /nothing", "", "") + request("GET /readyz"));
    std::size_t answers = 0;
    for (std::size_t at = 0; (at = answer.find("HTTP/1.1 ", at)) != std::string::npos; ++at) {
        ++answers;
    }
    EXPECT_EQ(answers, 2U) << answer;  // a request that names nothing ends it
}

TEST(Server, TurnsConnectionsAwayWhereThereAreEnoughAndEndsIdleOnes) {
    Limits limits;
    limits.connections = 1;
    limits.idle = 1h;
    RunningServer server(limits);
    const RawSocket idle(server.port());
    const std::string answer = answer_to(server.port(), "");
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_EQ(code_of(answer), "busy");
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    int status = 503;
    while (status == 503 && std::chrono::steady_clock::now() < deadline) {
        status = status_of(answer_to(server.port(), request("GET /healthz")));
    }
    EXPECT_EQ(status, 200);
    EXPECT_EQ(idle.receive_all(), "");
}

TEST(Server, FinishesWhatHasBegunWhenItEnds) {
    RunningServer server;
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    const std::string body = as_text(client.record);
    const std::string put =
        request("PUT /v1/keys/" + format_hash(client.id), body, "Expect: 100-continue\r\n");
    const RawSocket socket(server.port());
    (void)socket.send(put.substr(0, put.size() - body.size()));
    std::array<char, 100> begun{};
    ASSERT_TRUE(socket.receive(begun));  // it is being read
    (void)socket.send(body.substr(0, body.size() / 2));
    auto ending = std::async(std::launch::async, [&] { server.end(); });
    (void)socket.send(body.substr(body.size() / 2));
    const std::string answer = socket.receive_all();
    EXPECT_EQ(status_of(answer), 200) << answer;
    ending.get();
    EXPECT_THROW((void)remote.models(), Error);
}

TEST(Server, EndsWithoutThoseThatDoNotFinish) {
    Limits limits;
    limits.drain = 100ms;
    RunningServer server(limits);
    const std::string put = "PUT /v1/keys/" + format_hash(KeySetId{1});
    const RawSocket slow(server.port());
    (void)slow.send(request(put, "", "Content-Length: 100\r\nExpect: 100-continue\r\n"));
    std::array<char, 100> begun{};
    ASSERT_TRUE(slow.receive(begun));  // it is being read
    server.end();
    EXPECT_NE(slow.receive_all().find("truncated"), std::string::npos);
}

TEST(Server, LogsNothingOfWhatItIsSent) {
    RunningServer server;
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    RemoteReport report;
    (void)remote.classify("small", client.client, client.record, pixels, report);
    (void)answer_to(server.port(), request("GET /tell-tale?pixels=200"));
    server.end();
    std::istringstream lines(server.log());
    int requests = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto entry = nlohmann::json::parse(line);
        requests += entry.at("event") == "request" ? 1 : 0;
        EXPECT_EQ(line.find("tell-tale"), std::string::npos);
    }
    EXPECT_EQ(requests, 5);  // the plan, whether keys are there, keys, inference, and the stray one
}

/// What a call reports, which never goes back.
struct Reports {
    Reports() {
        control.progress = [this](const Progress& progress) {
            stages.emplace_back(progress.what);
            EXPECT_GE(progress.done / progress.total, last);
            last = progress.done / progress.total;
        };
    }

    RunControl control;
    std::vector<std::string> stages;
    double last = 0;
};

TEST(RemoteClient, SaysHowManyBytesAreSent) {
    httplib::Server any;
    any.Post("/v1/models/one/infer", [](const httplib::Request& request, httplib::Response& response) {
        response.set_content(std::to_string(request.body.size()), "text/plain");
    });
    const int port = any.bind_to_any_port("127.0.0.1");
    std::thread thread([&] { any.listen_after_bind(); });
    Reports reports;
    RemoteReport report;
    EXPECT_EQ(RemoteClient("http://127.0.0.1:" + std::to_string(port))
                  .infer("one", KeySetId{}, std::string(1'000'000, 'x'), report, reports.control),
              "1000000");
    any.stop();
    thread.join();
    EXPECT_EQ(reports.last, 1);
    EXPECT_EQ(reports.stages.front(), "sent 0.1 of 1.0 MB");
    EXPECT_EQ(reports.stages.back(), "await the answer");
    EXPECT_LE(reports.stages.size(), 101U);
}

TEST(RemoteClient, SaysWhatItIsAt) {
    RunningServer server;
    RemoteClient remote(server.url());
    const SmallClient client(remote.plan("small"));
    Reports reports;
    RemoteReport report;
    (void)remote.classify("small", client.client, client.record, pixels, report, reports.control);
    EXPECT_EQ(reports.last, 1);
    for (const char* stage : {"encrypt", "write", "await the answer", "decrypt"}) {
        EXPECT_NE(std::ranges::find(reports.stages, stage), reports.stages.end()) << stage;
    }
}

TEST(RemoteClient, SendsAgainWhatAServerDiedUnder) {
    httplib::Server proxy;
    int requests = 0;
    int bad = 1;
    proxy.Get("/v1/models", [&](const httplib::Request&, httplib::Response& response) {
        constexpr int bad_gateway = 502;
        response.status = requests++ < bad ? bad_gateway : 200;
        response.set_content(R"({"models": [{"name": "one"}]})", "application/json");
    });
    const int port = proxy.bind_to_any_port("127.0.0.1");
    std::thread thread([&] { proxy.listen_after_bind(); });
    const std::string url = "http://127.0.0.1:" + std::to_string(port);
    EXPECT_EQ(RemoteClient(url).models(), std::vector<std::string>{"one"});
    EXPECT_EQ(requests, 2);
    bad = 100;
    EXPECT_THROW((void)RemoteClient(url).models(), Error);
    EXPECT_EQ(requests, 5);
    proxy.stop();
    thread.join();
}

}  // namespace
}  // namespace lacuna::service
