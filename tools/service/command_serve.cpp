// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <semaphore.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/model_files.h"
#include "tools/option_checks.h"
#include "tools/plan_options.h"
#include "tools/service/server.h"
#include "tools/service/service.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

using service::Limits;

struct Options {
    std::vector<std::string> models;
    std::string config;
    std::size_t batch = 1;
    PlanOptions plan;
    std::string listen = "127.0.0.1:8080";
    std::string store = "lacuna-keys";
    std::string tokens;
    std::string demo;
    int threads = 1;
    Limits limits;
    bool json = false;
};

/// What wakes the thread that looks after the server: signals and stop requests.
struct Events {
    Events() { ::sem_init(&wake, 0, 0); }
    ~Events() { ::sem_destroy(&wake); }
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    sem_t wake{};
    std::atomic<bool> reload = true;  // the first time it is a load
    std::atomic<bool> end = false;
};
std::atomic<Events*> events = nullptr;
static_assert(std::atomic<Events*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void on_hangup(int) {
    if (Events* const current = events) {
        current->reload = true;
        ::sem_post(&current->wake);
    }
}

/// SIGHUP reaches the one thread that was there before and waits for signals: no system call of the others is
/// interrupted.
void await_hangups(Events& target) {
    events = &target;
    sigset_t blocked{};
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    struct sigaction action {};
    action.sa_handler = on_hangup;
    ::sigaction(SIGHUP, &action, nullptr);
}

/// Memory of requests goes back to the system: many threads with a heap each would keep it.
void keep_heaps_small() {
    constexpr int heaps = 2;
    constexpr int mapped_bytes = 1 << 20;
    ::mallopt(M_ARENA_MAX, heaps);
    ::mallopt(M_MMAP_THRESHOLD, mapped_bytes);
}

std::pair<std::string, int> address_of(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    int port = -1;
    if (colon != std::string::npos) {
        const char* const end = text.data() + text.size();
        const auto [last, problem] = std::from_chars(text.data() + colon + 1, end, port);
        port = problem == std::errc() && last == end ? port : -1;
    }
    constexpr int highest = 65535;
    if (colon == 0 || port < 0 || port > highest) {
        throw UsageError("--listen: expected HOST:PORT, found '" + terminal_text(text) +
                         "'; for example 127.0.0.1:8080, or 0.0.0.0:8080 for every address");
    }
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    return {host, port};
}

service::ServiceOptions service_options(const Options& options) {
    service::ServiceOptions service;
    for (const std::string& model : options.models) {
        service.entries.push_back({"", model, options.plan.request(options.batch)});
    }
    service.config = options.config;
    service.tokens = options.tokens;
    service.store = options.store;
    service.demo = options.demo;
    service.threads = options.threads;
    service.limits = options.limits;
    return service;
}

void announce(const Options& options, const std::string& host, int port) {
    const bool six = host.find(':') != std::string::npos;
    const std::string url = "http://" + (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
    if (options.json) {
        print_json_document({{"url", url}});
    } else {
        std::cout << "Listening on " << url << '\n';
    }
    std::cout.flush();
}

/// Loads models at first and on SIGHUP, and ends the server on a stop request or where the first load fails.
/// Returns that failure.
std::exception_ptr look_after(service::Service& service, service::Server& server, Events& events,
                              const std::stop_token& stop) {
    std::exception_ptr problem;
    bool loaded = false;
    while (!stop.stop_requested() && !events.end) {
        if (events.reload.exchange(false)) {
            try {
                service.load(stop);
                loaded = true;
            } catch (const Stopped&) {
                break;
            } catch (const std::exception& failure) {
                if (!loaded) {
                    problem = std::current_exception();
                    break;
                }
                service.log().write("reload_failed", {{"message", terminal_text(failure.what(), 1000)}});
            }
            continue;
        }
        while (::sem_wait(&events.wake) != 0 && errno == EINTR) {
        }
    }
    server.drain();
    return problem;
}

void serve(const Options& options, Interrupt& interrupt, const std::stop_token& stop) {
    const auto [host, port] = address_of(options.listen);
    check_threads(options.threads * static_cast<int>(options.limits.concurrent));
    keep_heaps_small();
    // Longer than the server gives itself.
    interrupt.set_grace(std::chrono::ceil<std::chrono::seconds>(options.limits.drain) +
                        std::chrono::seconds(5));
    Events events;
    await_hangups(events);
    service::Service service(service_options(options), std::clog);
    service::Server server(service, options.limits);
    announce(options, host, server.bind(host, port));
    std::exception_ptr problem;
    const std::stop_callback wake(stop, [&] { ::sem_post(&events.wake); });
    std::jthread keeper([&] { problem = look_after(service, server, events, stop); });
    server.run();
    events.end = true;
    ::sem_post(&events.wake);
    keeper.join();
    lacuna::events = nullptr;
    if (problem) {
        std::rethrow_exception(problem);
    }
    service.log().write("ended");
}

void add_count(CLI::App& command, const std::string& name, std::size_t& value, const std::string& help,
               std::size_t most) {
    command.add_option(name, value, help)
        ->type_name("N")
        ->capture_default_str()
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, most))
        ->group("Limits");
}

void add_megabytes(CLI::App& command, const std::string& name, std::uint64_t& value,
                   const std::string& help) {
    constexpr std::uint64_t megabyte = 1'000'000;
    constexpr std::uint64_t most = 1'000'000'000;
    command
        .add_option_function<std::uint64_t>(
            name, [&value](const std::uint64_t& megabytes) { value = megabytes * megabyte; },
            help + " (default " + std::to_string(value / megabyte) + ")")
        ->type_name("MB")
        ->transform(decimal())
        ->check(CLI::Range(std::uint64_t{1}, most))
        ->group("Limits");
}

void add_seconds(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                 const std::string& help) {
    constexpr std::int64_t most = 86400;
    command
        .add_option_function<std::int64_t>(
            name, [&value](const std::int64_t& seconds) { value = std::chrono::seconds(seconds); },
            help + " (default " + std::to_string(value.count() / 1000) + ")")
        ->type_name("SECONDS")
        ->transform(decimal())
        ->check(CLI::Range(std::int64_t{1}, most))
        ->group("Limits");
}

void add_limits(CLI::App& command, Limits& limits) {
    constexpr std::size_t many = 100'000;
    add_count(command, "--concurrent", limits.concurrent, "requests worked on at a time", 1024);
    add_count(command, "--queue", limits.queue, "requests that wait for that; more are answered 503", many);
    add_count(command, "--per-client", limits.per_client,
              "requests of one key set at a time; more are answered 429", many);
    add_count(command, "--connections", limits.connections, "open connections, a thread each", many);
    add_megabytes(command, "--upload-limit", limits.upload_bytes, "one upload");
    add_megabytes(command, "--key-limit", limits.key_bytes, "one key set");
    add_megabytes(command, "--body-memory", limits.body_memory, "bodies in memory at a time");
    add_megabytes(command, "--store-limit", limits.store_bytes, "key sets on disk");
    add_megabytes(command, "--cache-limit", limits.cache_bytes, "key sets in memory");
    add_seconds(command, "--idle-time", limits.idle, "a connection between two requests");
    add_seconds(command, "--head-time", limits.head, "a request's headers");
    add_seconds(command, "--transfer-time", limits.transfer,
                "a body or reply, beside what it takes at 256 kB a second");
    add_seconds(command, "--work-time", limits.work, "a request in the queue and in work");
    add_seconds(command, "--drain-time", limits.drain, "what has begun when SIGTERM comes");
}

}  // namespace

void add_serve_command(CLI::App& app, Work& work, Interrupt& interrupt) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "serve", "server: answer uploads over HTTP; it needs and touches nothing that is secret");
    auto* model =
        command
            ->add_option("--model", options->models,
                         "shipped models' names, or *.lacuna.json files, all under these options' plan")
            ->type_name("MODEL...")
            ->check(not_empty());
    command
        ->add_option(
            "--config", options->config,
            "JSON that names models with a plan each (tools/service/README.md); read again on SIGHUP")
        ->type_name("FILE")
        ->check(not_empty())
        ->excludes(model);
    command->add_option("--batch", options->batch, "images to be classified together")
        ->type_name("B")
        ->capture_default_str()
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    options->plan.add_to(*command);
    command->add_flag("--public-encryption", options->plan.public_encryption,
                      "leave room for the noise of images encrypted with the public key");
    command->add_option("--listen", options->listen, "address and port; port 0 is any that is free")
        ->type_name("HOST:PORT")
        ->capture_default_str()
        ->check(not_empty());
    command->add_option("--store", options->store, "folder for clients' evaluation keys")
        ->type_name("DIR")
        ->capture_default_str()
        ->check(not_empty());
    command
        ->add_option("--tokens", options->tokens,
                     "ask clients for one of the bearer tokens in FILE, one a line; read again on SIGHUP")
        ->type_name("FILE")
        ->check(not_empty());
    command
        ->add_option_function<std::string>(
            "--demo",
            [options](const std::string& folder) {
                options->demo = folder.empty() ? (data_folder() / "browser").string() : folder;
            },
            "serve the browser client at /, too: the folder that tools/browser/build made, by default this "
            "command's own")
        ->type_name("[DIR]")
        ->expected(0, 1);
    add_threads_option(*command, options->threads);
    add_limits(*command, options->limits);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna serve --model faster-cryptonets --packing radix --no-circuit-privacy\n"
        "  lacuna serve --config serve.json --listen 0.0.0.0:8080 --tokens tokens --store /var/lib/lacuna\n\n"
        "Logs go to standard error, one JSON object a line. SIGHUP reads models, plans and tokens again; "
        "SIGTERM\n"
        "ends in order. TLS is a proxy's work: tools/service/README.md.");
    command->callback([options, &work, &interrupt] {
        if (options->models.empty() && options->config.empty()) {
            throw UsageError("serve: expected --model NAME|FILE or --config FILE, found neither");
        }
        work = [options, &interrupt](const std::stop_token& stop) { serve(*options, interrupt, stop); };
    });
}

}  // namespace lacuna
