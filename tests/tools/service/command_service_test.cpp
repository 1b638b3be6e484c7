// SPDX-License-Identifier: Apache-2.0
//
// `lacuna serve` and `lacuna remote` as processes of their own.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/reference.h>
#include "tests/support/child_process.h"
#include "tests/support/places.h"
#include "tests/tools/service/running_server.h"
#include "tests/tools/small_model.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Arguments = std::vector<std::string>;

/// A `lacuna serve` in a folder, on a free port, ready for requests.
class ServeProcess {
  public:
    explicit ServeProcess(const std::filesystem::path& folder, const Arguments& more = {}) {
        Arguments arguments = {"serve", "--listen", "127.0.0.1:0", "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        process_ = std::make_unique<ChildProcess>(test::lacuna_command(), arguments,
                                                  ChildProcess::Setting{folder, {}});
        await([&] { return process_->errors().find("\"loaded\"") != std::string::npos; });
        url_ = json::parse(process_->output()).at("url");
    }

    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] ChildProcess& process() { return *process_; }
    template <typename Condition>
    void await(const Condition& condition) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (!condition() && process_->running() && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(5ms);
        }
        ASSERT_TRUE(condition()) << process_->errors();
    }

  private:
    std::unique_ptr<ChildProcess> process_;
    std::string url_;
};

const std::vector<std::uint8_t> pixels = {200, 10, 180, 0};

void expect_right(const CommandResult& result) {
    ASSERT_EQ(result.code, 0) << result.errors;
    const json document = json::parse(result.output);
    const std::vector<mpz_class> logits = Reference(test::small_model()).logits(pixels);
    ASSERT_EQ(document.at("images").size(), 1U);
    for (std::size_t i = 0; i < logits.size(); ++i) {
        EXPECT_EQ(document["images"][0]["logits"][i].get<long>(), logits[i].get_si());
    }
}

/// A folder with a model, images, and the keys that `lacuna remote` will make.
class Folder {
  public:
    Folder() {
        save_model(test::small_model(), folder_ / "small.lacuna.json");
        write_text(folder_ / "images.csv", "200,10,180,0\n");
    }
    [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
    [[nodiscard]] CommandResult remote(const std::string& url, const Arguments& more = {}) const {
        Arguments arguments = {"remote", url, "--keys", "client", "--images", "images.csv", "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_lacuna(arguments, {path(), {}});
    }

  private:
    TemporaryFolder folder_;
};

TEST(CommandService, ClassifiesAndEndsInOrder) {
    const Folder folder;
    ServeProcess server(folder.path(), {"--model", "small.lacuna.json"});
    const CommandResult first = folder.remote(server.url());
    expect_right(first);
    EXPECT_GT(json::parse(first.output)["requests"][0]["bytes"]["evaluation_keys"], 0);
    const CommandResult second = folder.remote(server.url());
    expect_right(second);
    EXPECT_EQ(json::parse(second.output)["requests"][0]["bytes"]["evaluation_keys"], 0);
    server.process().send(SIGTERM);
    EXPECT_EQ(server.process().wait(), 0);
    EXPECT_NE(server.process().errors().find("\"ended\""), std::string::npos);
    expect_failure(folder.remote(server.url()), 1, {server.url(), "lacuna serve"});
}

/// Planning this model takes most of a minute. Ended from outside, the server would say so and fail.
TEST(CommandService, EndsInOrderWhileItPlans) {
    const TemporaryFolder folder;
    ChildProcess server(test::lacuna_command(),
                        {"serve", "--model", "cifar10", "--listen", "127.0.0.1:0", "--json"},
                        {folder.path(), {}});
    while (server.running() && server.output().find("url") == std::string::npos) {
        std::this_thread::sleep_for(5ms);
    }
    std::this_thread::sleep_for(300ms);
    server.send(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
    EXPECT_NE(server.errors().find("\"ended\""), std::string::npos) << server.errors();
    EXPECT_EQ(server.errors().find("\"loaded\""), std::string::npos) << server.errors();
}

TEST(CommandService, TakesDataByTheRangesOfTheServersPlan) {
    const Folder folder;
    Model model = test::small_model();
    model.features.ranges = {{-1, 1}};
    save_model(model, folder / "ranged.lacuna.json");
    // Rows with a class behind; the second one has the levels of `pixels`.
    write_text(folder / "rows.csv", "1,1,1,1,0\n0.5,-0.9,0.1,-1,1\n-1,-1,-1,-1,0\n");
    ServeProcess server(folder.path(), {"--model", "ranged.lacuna.json"});
    const auto remote = [&](const Arguments& more) {
        Arguments arguments = {"remote", server.url(), "--keys", "client"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_lacuna(arguments, {folder.path(), {}});
    };
    expect_right(remote({"--data", "rows.csv", "--first", "1", "--count", "1", "--json"}));
    const CommandResult all = remote({"--data", "rows.csv", "--json"});
    ASSERT_EQ(all.code, 0) << all.errors;
    EXPECT_EQ(json::parse(all.output).at("images").size(), 3U);
    expect_failure(remote({"--data", "rows.csv", "--images", "images.csv"}), 2, {"--images"});
    expect_failure(remote({"--data", "absent.npy"}), 1, {"absent.npy", "nothing"});
    write_text(folder / "narrow.csv", "1,2\n");
    expect_failure(remote({"--data", "narrow.csv"}), 1, {"narrow.csv: line 1", "4 columns", "found 2"});
    expect_failure(remote({"--data", "rows.csv", "--input-shape", "1,4,4"}), 1, {"--input-shape"});
}

TEST(CommandService, ReadsItsConfigurationAgainOnHangup) {
    const Folder folder;
    write_text(folder / "serve.json", R"({"models": [{"model": "small.lacuna.json", "name": "one"}]})");
    ServeProcess server(folder.path(), {"--config", "serve.json"});
    service::RemoteClient remote(server.url());
    EXPECT_EQ(remote.models(), Arguments{"one"});
    write_text(folder / "serve.json",
               R"({"models": [{"model": "small.lacuna.json", "name": "one"},
                              {"model": "small.lacuna.json", "name": "two", "privacy_bits": 0}]})");
    server.process().send(SIGHUP);
    server.await([&] { return remote.models().size() == 2; });
    // What cannot be read changes nothing.
    write_text(folder / "serve.json", R"({"models": [{"model": "missing"}]})");
    server.process().send(SIGHUP);
    server.await([&] { return server.process().errors().find("reload_failed") != std::string::npos; });
    EXPECT_EQ(remote.models(), (Arguments{"one", "two"}));
    expect_right(folder.remote(server.url(), {"--model", "two"}));
    expect_failure(folder.remote(server.url(), {"--model", "three"}), 1, {"three", "one, two", "--model"});
    expect_failure(folder.remote(server.url(), {"--model", "one"}), 1, {"client", "plan", "--keys"});
}

TEST(CommandService, ServesACompiledPlan) {
    const Folder folder;
    const CommandResult planned =
        run_lacuna({"plan", "--model", "small.lacuna.json", "--no-circuit-privacy", "--out", "server.plan"},
                   {folder.path(), {}});
    ASSERT_EQ(planned.code, 0) << planned.errors;
    const auto entry = [&](const std::string& more) {
        write_text(folder / "serve.json",
                   R"({"models": [{"model": "small.lacuna.json", "plan": "server.plan")" + more + "}]}");
    };
    entry("");
    ServeProcess server(folder.path(), {"--config", "serve.json"});
    EXPECT_EQ(service::RemoteClient(server.url()).plan("small").privacy_bits, 0);
    expect_right(folder.remote(server.url()));
    // What a plan says is not asked for again.
    entry(R"(, "batch": 2)");
    const CommandResult refused =
        run_lacuna({"serve", "--config", "serve.json", "--listen", "127.0.0.1:0"}, {folder.path(), {}});
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.errors.find("models[0]"), std::string::npos) << refused.errors;
    EXPECT_NE(refused.errors.find("batch"), std::string::npos) << refused.errors;
}

TEST(CommandService, AKilledServersKeysAreThereForTheNext) {
    const Folder folder;
    {
        ServeProcess server(folder.path(), {"--model", "small.lacuna.json", "--store", "store"});
        expect_right(folder.remote(server.url()));
        server.process().send(SIGKILL);
        EXPECT_EQ(server.process().wait(), -SIGKILL);
    }
    ServeProcess next(folder.path(), {"--model", "small.lacuna.json", "--store", "store"});
    const CommandResult result = folder.remote(next.url());
    expect_right(result);
    EXPECT_EQ(json::parse(result.output)["requests"][0]["bytes"]["evaluation_keys"], 0);
}

TEST(CommandService, SaysWhatIsWrongBeforeItServes) {
    const Folder folder;
    const auto serve = [&](const Arguments& more) {
        Arguments arguments = {"serve", "--listen", "127.0.0.1:0", "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_lacuna(arguments, {folder.path(), {}});
    };
    expect_failure(serve({}), 2, {"--model", "--config"});
    const CommandResult missing = serve({"--model", "missing"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_NE(missing.errors.find("model 'missing'"), std::string::npos) << missing.errors;
    expect_failure(
        run_lacuna({"serve", "--model", "small.lacuna.json", "--listen", "here"}, {folder.path(), {}}), 2,
        {"--listen", "HOST:PORT"});
    expect_failure(folder.remote("ftp://127.0.0.1"), 1, {"http://HOST:PORT"});
}

}  // namespace
}  // namespace lacuna::testing
