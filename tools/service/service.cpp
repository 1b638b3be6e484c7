// SPDX-License-Identifier: Apache-2.0
#include "tools/service/service.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <new>
#include <optional>
#include <sstream>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/record.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/nn/server/key_set.h>
#include <lacuna/nn/server/session.h>
#include "tools/terminal_text.h"

namespace lacuna::service {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int client_gone = 499;
constexpr const char* binary = "application/octet-stream";
constexpr const char* body_name = "body";

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

Reply json_reply(const nlohmann::ordered_json& document) {
    Reply reply;
    constexpr bool ascii = true;
    reply.body = document.dump(-1, ' ', ascii, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    return reply;
}

Reply error_reply(int status, const std::string& code, const std::string& message) {
    Reply reply = json_reply({{"error", {{"code", code}, {"message", message}}}});
    reply.status = status;
    return reply;
}

/// "infer;dur=12.3, write;dur=0.4", in milliseconds.
std::string server_timing(const Stages& stages) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text.setf(std::ios::fixed);
    text.precision(2);
    for (const auto& [stage, seconds] : stages) {
        text << (text.tellp() > 0 ? ", " : "") << stage_name(stage) << ";dur=" << seconds * 1000;
    }
    return text.str();
}

/// Resident memory of this process, 0 where the system does not tell.
double resident_bytes() {
    std::ifstream stream("/proc/self/statm");
    double all = 0;
    double resident = 0;
    stream >> all >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// No upload for a plan is longer: full ciphertexts are twice as long as seeded ones, and every record has a
/// head.
std::uint64_t longest_upload(const Plan& plan) {
    constexpr double heads = 1.05;
    constexpr double layout = 1 << 20;
    const Layout longest = plan.client.input_layout(plan.client.batch);
    const double sets = plan.client.packing == Packing::packed ? static_cast<double>(longest.sets()) : 1;
    return static_cast<std::uint64_t>(
        plan.upload_bytes() * sets * heads * (plan.client.public_encryption ? 2 : 1) + layout);
}

void check_keys_of_upload(const UploadHead& upload, const KeySetId& keys) {
    if (upload.keys != keys) {
        throw RequestError(400, "wrong_keys",
                           "body: expected an upload for key set " + format_hash(keys) + ", found one for " +
                               format_hash(upload.keys) + "; name that one in ?keys=");
    }
}

Session session_of(const ServedModel& model, std::shared_ptr<const EvaluationKeys> keys) {
    try {
        check_evaluation_keys(model.compiled->plan().client, *keys, "evaluation keys");
        return {model.compiled, std::move(keys)};
    } catch (const Error& problem) {
        throw RequestError(422, "keys_of_another_plan", problem.what());
    }
}

Upload parse_upload(std::span<const std::uint8_t> bytes, const ServedModel& model, const KeySetId& keys,
                    const RunControl& control, std::size_t& images) {
    refuse_secrets(bytes);
    try {
        Source first(bytes, body_name);
        const UploadHead head = read_upload_head(first);
        check_keys_of_upload(head, keys);
        images = head.images;
        Source source(bytes, body_name);
        Upload upload =
            load_upload(source, model.compiled->context(), model.compiled->plan().client, control);
        source.expect_end();
        return upload;
    } catch (const RequestError&) {
        throw;
    } catch (const Stopped&) {
        throw;
    } catch (const Error& problem) {
        throw RequestError(400, "upload", problem.what());
    }
}

}  // namespace

/// The bytes that a client sends, in memory that nothing touches before they come.
class Service::Body {
  public:
    Body(Admission::Ticket ticket, std::size_t size)
        : ticket_(std::move(ticket)),
          bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(size)),
          size_(size) {}

    [[nodiscard]] std::span<std::uint8_t> bytes() { return {bytes_.get(), size_}; }
    /// What it says is elsewhere now; the client's place stays taken.
    void release() {
        bytes_.reset();
        size_ = 0;
        ticket_.release_memory();
    }

  private:
    Admission::Ticket ticket_;
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t size_;
};

Service::Service(const ServiceOptions& options, std::ostream& log)
    : options_(options),
      log_(log),
      admission_(options.limits),
      store_(options.store, options.limits.store_bytes),
      cache_(options.limits.cache_bytes),
      workers_(options.limits.concurrent, options.limits.queue),
      demo_(options.demo.empty() ? DemoPage() : DemoPage(options.demo)) {}

void Service::load(const std::stop_token& stop) {
    const Clock::time_point start = Clock::now();
    Tokens tokens = options_.tokens.empty() ? Tokens() : Tokens(options_.tokens);
    auto fresh = std::make_shared<const State>(State{
        ServedModels(options_.config.empty() ? options_.entries : load_served_entries(options_.config), stop),
        std::move(tokens)});
    {
        const std::lock_guard lock(mutex_);
        state_.swap(fresh);
    }
    log_.write("loaded", {{"seconds", seconds_since(start)}});
}

std::shared_ptr<const Service::State> Service::state() const {
    std::shared_ptr<const State> state;
    {
        const std::lock_guard lock(mutex_);
        state = state_;
    }
    if (!state) {
        constexpr int seconds = 2;
        throw RequestError(503, "not_ready",
                           "expected models that are ready, found them still being compiled; try "
                           "again soon",
                           seconds);
    }
    return state;
}

Reply Service::answer(std::string_view method, std::string_view target, std::span<const Header> headers,
                      Connection& connection, Outcome& outcome) {
    Reply reply;
    std::optional<RequestHead> head;
    outcome.route = "other";
    try {
        head = parse_request_head(method, target, headers);
        outcome.route = endpoint_name(head->endpoint);
        reply = dispatch(*head, headers, connection, outcome);
    } catch (const RequestError& problem) {
        reply = failure(problem);
    } catch (const Stopped& stopped) {
        constexpr int unavailable = 503;
        reply = error_reply(connection.gone() ? client_gone : unavailable, "stopped", stopped.what());
    } catch (const std::bad_alloc&) {
        reply = failure(
            RequestError(503, "busy", "expected memory for the request, found none; try again later", 1));
    } catch (const std::exception& problem) {
        // Such a text is about this machine, and for its operator alone.
        log_.write("failure", {{"route", outcome.route}, {"message", terminal_text(problem.what())}});
        reply = error_reply(500, "internal", "the server cannot do this at the moment; its log says why");
    }
    reply.close = !head || outcome.bytes_in != head->body_bytes;
    if (!outcome.stages.empty()) {
        reply.headers.emplace_back("Server-Timing", server_timing(outcome.stages));
    }
    reply.headers.emplace_back("Cache-Control", "no-store");
    outcome.status = reply.status;
    outcome.bytes_out = reply.body.size();
    return reply;
}

Reply Service::complaint(int status) {
    return error_reply(status, "request",
                       "expected an HTTP/1.1 request, found something else; see tools/service/README.md");
}

Reply Service::failure(const RequestError& problem) {
    Reply reply = error_reply(problem.status(), problem.code(), problem.what());
    if (problem.retry_after() > 0) {
        reply.headers.emplace_back("Retry-After", std::to_string(problem.retry_after()));
    }
    constexpr int unauthorised = 401;
    if (problem.status() == unauthorised) {
        reply.headers.emplace_back("WWW-Authenticate", "Bearer");
    }
    constexpr int not_allowed = 405;
    if (problem.status() == not_allowed) {
        reply.headers.emplace_back("Allow", "GET, PUT, POST");
    }
    return reply;
}

Reply Service::dispatch(const RequestHead& head, std::span<const Header> headers, Connection& connection,
                        Outcome& outcome) {
    if (head.endpoint == Endpoint::health) {
        return json_reply({{"status", "alive"}});
    }
    if (head.endpoint == Endpoint::ready) {
        return ready();
    }
    if (head.endpoint == Endpoint::page) {
        return page(head);  // the same for everybody; what it asks for needs a token
    }
    const std::shared_ptr<const State> state = this->state();
    if (!state->tokens.admit(bearer_token(headers))) {
        throw RequestError(
            401, "token",
            "Authorization: expected a bearer token of this service, found none or another; ask its "
            "operator for one");
    }
    switch (head.endpoint) {
        case Endpoint::metrics:
            return metrics();
        case Endpoint::models: {
            Reply reply;
            reply.body = state->models.list();
            return reply;
        }
        case Endpoint::plan: {
            Reply reply;
            reply.body = state->models.find(head.model)->client_plan;
            return reply;
        }
        case Endpoint::key_set:
            return key_set(head.keys);
        case Endpoint::store_keys:
            return store_keys(*state, head, connection, outcome);
        default:
            return infer(*state, head, connection, outcome);
    }
}

Reply Service::ready() const {
    (void)state();
    if (ending_) {
        throw RequestError(503, "ending", "this server is ending; ask another one", 1);
    }
    return json_reply({{"status", "ready"}});
}

Reply Service::metrics() const {
    const KeyStore::Content stored = store_.content();
    const auto value = [](auto number) { return static_cast<double>(number); };
    Reply reply;
    reply.type = "text/plain; version=0.0.4";
    reply.body = metrics_.format(
        {{"lacuna_queue_length", "Requests that wait for a worker.", value(workers_.waiting())},
         {"lacuna_working", "Requests in work.", value(workers_.working())},
         {"lacuna_connections", "Open connections.", value(connections_.load())},
         {"lacuna_body_bytes", "Bytes of bodies that may be in memory.", value(admission_.body_bytes())},
         {"lacuna_key_cache_bytes", "Evaluation keys in memory.", value(cache_.bytes())},
         {"lacuna_key_sets", "Key sets on disk.", value(stored.key_sets)},
         {"lacuna_key_store_bytes", "Bytes of key sets on disk.", value(stored.bytes)},
         {"lacuna_resident_bytes", "Resident memory.", resident_bytes()}});
    return reply;
}

Reply Service::page(const RequestHead& head) const {
    const DemoPage::File* const file = demo_.find(head.page);
    if (file == nullptr) {
        throw RequestError(404, "not_found",
                           "path '/" + head.page +
                               "': expected one of this service's, found none of that name; see "
                               "tools/service/README.md for what there is");
    }
    Reply reply;
    reply.type = file->type;
    reply.body = file->bytes;
    reply.headers = page_headers();
    return reply;
}

Reply Service::key_set(const KeySetId& id) const {
    const std::optional<std::uint64_t> bytes = store_.size(id);
    if (!bytes) {
        throw unknown_keys(id);
    }
    return json_reply({{"key_set", format_hash(id)}, {"bytes", *bytes}});
}

Service::Body Service::receive(const RequestHead& head, std::uint64_t most, Connection& connection,
                               Outcome& outcome) {
    // Before it is read: what is turned away costs nothing.
    Body body(admission_.admit(head.body_bytes, most, head.keys), head.body_bytes);
    const Clock::time_point start = Clock::now();
    const std::span<std::uint8_t> bytes = body.bytes();
    outcome.bytes_in = connection.read_body(bytes);
    outcome.stages.emplace_back(Stage::read, seconds_since(start));
    if (outcome.bytes_in != bytes.size()) {
        const std::string found = "found " + std::to_string(outcome.bytes_in);
        const std::string expected = "body: expected " + std::to_string(bytes.size()) + " bytes, ";
        if (connection.gone()) {
            throw RequestError(400, "truncated", expected + found + "; send all of it");
        }
        throw RequestError(408, "slow",
                           expected + found + " in the time that so many may take; use a faster line");
    }
    return body;
}

void Service::work(const Workers::Job& job, const Connection& connection, Outcome& outcome) {
    const auto waited = workers_.run(
        job, [&] { return abandoned_ || connection.gone(); }, Clock::now() + options_.limits.work);
    outcome.stages.insert(outcome.stages.begin() + 1, {Stage::queue, waited.count()});
}

Reply Service::store_keys(const State& state, const RequestHead& head, Connection& connection,
                          Outcome& outcome) {
    workers_.check_room();
    Body body = receive(head, options_.limits.key_bytes, connection, outcome);
    work(
        [&](const std::stop_token&) {
            const Clock::time_point start = Clock::now();
            const auto model = state.models.find(ring_of_keys(body.bytes()));
            auto keys = std::make_shared<const EvaluationKeys>(
                parse_keys(head.keys, body.bytes(), model->compiled->context().ring()));
            outcome.stages.emplace_back(Stage::load, seconds_since(start));
            const Clock::time_point loaded = Clock::now();
            store_.put(head.keys, body.bytes());
            cache_.put(head.keys, std::move(keys));
            outcome.stages.emplace_back(Stage::write, seconds_since(loaded));
        },
        connection, outcome);
    return json_reply({{"key_set", format_hash(head.keys)}, {"bytes", head.body_bytes}});
}

Reply Service::infer(const State& state, const RequestHead& head, Connection& connection, Outcome& outcome) {
    const std::shared_ptr<const ServedModel> model = state.models.find(head.model);
    if (!store_.touch(head.keys)) {
        throw unknown_keys(head.keys);
    }
    workers_.check_room();
    const Plan& plan = model->compiled->plan();
    Body body =
        receive(head, std::min(options_.limits.upload_bytes, longest_upload(plan)), connection, outcome);
    std::string answer;
    std::size_t images = 0;
    work(
        [&](const std::stop_token& stop) {
            RunControl control;
            control.threads = options_.threads;
            control.stop = stop;
            const Ring& ring = model->compiled->context().ring();
            Clock::time_point start = Clock::now();
            const auto end_stage = [&](Stage stage) {
                outcome.stages.emplace_back(stage, seconds_since(start));
                start = Clock::now();
            };
            const Session session =
                session_of(*model, cache_.get(head.keys, [&] { return store_.load(head.keys, ring); }));
            end_stage(Stage::keys);
            Upload upload = parse_upload(body.bytes(), *model, head.keys, control, images);
            body.release();
            end_stage(Stage::load);
            const EncryptedTensor reply =
                std::visit([&](auto& tensor) { return session.infer(std::move(tensor), control); }, upload);
            end_stage(Stage::infer);
            std::ostringstream stream;
            save_reply(stream, ring, plan.client, head.keys, reply);
            answer = std::move(stream).str();
            end_stage(Stage::write);
        },
        connection, outcome);
    outcome.images = images;
    Reply reply;
    reply.type = binary;
    reply.body = std::move(answer);
    return reply;
}

void Service::finish(const Outcome& outcome, std::string_view method, const std::string& peer) {
    metrics_.add(outcome);
    nlohmann::ordered_json stages = nlohmann::ordered_json::object();
    for (const auto& [stage, seconds] : outcome.stages) {
        stages[stage_name(stage)] = seconds;
    }
    log_.write("request", {{"method", terminal_text(method)},
                           {"route", outcome.route},
                           {"status", outcome.status},
                           {"peer", peer},
                           {"bytes_in", outcome.bytes_in},
                           {"bytes_out", outcome.bytes_out},
                           {"images", outcome.images},
                           {"seconds", outcome.seconds},
                           {"stages", stages}});
}

}  // namespace lacuna::service
