// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "he/record.h"
#include "he/serialize.h"
#include "nn/session.h"
#include "nn/tensor_file.h"
#include "tools/command.h"
#include "tools/model_files.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"

namespace lacuna {

namespace {

struct Options {
    std::string model;
    std::vector<std::string> keys;
    std::vector<std::string> uploads;
    std::string out;
    PlanOptions plan;
    int threads = 1;
    bool force = false;
    bool json = false;
};

/// One upload, checked against everything else before any work starts.
struct Request {
    std::string upload;
    std::filesystem::path reply;
    UploadHead head;
    std::filesystem::path keys;
};

/// A plan by the client's half. The context and the model, compiled for the first request, are shared by the
/// sessions of all its clients.
struct Planned {
    Plan plan;
    std::shared_ptr<const Context> context;
    std::shared_ptr<const CompiledModel> compiled;
};

/// The server's own plan for an upload: packing, security level and number of plaintext moduli were settled
/// when the client's half was exported, the server decides on circuit privacy.
Plan plan_for(const Model& model, const PlanOptions& options, const std::string& upload,
              const ClientPlan& client) {
    if (client.model != model.name) {
        throw Error(upload + ": expected an upload for model '" + model.name + "', found one for '" +
                    client.model + "'; give that model with --model, or encrypt for this one");
    }
    PlanRequest request = options.request(client.batch);
    if (client.privacy_bits != request.privacy_bits) {
        throw Error(
            upload + ": expected a plan with " + std::to_string(request.privacy_bits) +
            " bits of circuit privacy, found " + std::to_string(client.privacy_bits) +
            "; export the client's half with the same --privacy-bits or --no-circuit-privacy as here");
    }
    request.packing = client.packing;
    request.security = client.parameters.security;
    request.plain_moduli = client.parameters.plain_moduli.size();
    request.public_encryption = client.public_encryption;
    Plan plan = make_plan(model, request);
    if (plan.client != client) {
        throw Error(upload + ": expected plan " + plan_id(plan.client) + " of this model, found " +
                    plan_id(client) +
                    "; the model has changed since, or another release made the plan: export the client's "
                    "half again");
    }
    return plan;
}

std::filesystem::path reply_file(const Options& options, const std::string& upload) {
    if (options.uploads.size() == 1 && !std::filesystem::is_directory(options.out)) {
        return options.out;
    }
    return std::filesystem::path(options.out) /
           (std::filesystem::path(upload).stem().string() + ".reply.lct");
}

class Server {
  public:
    Server(const Options& options, const Model& model) : options_(&options), model_(&model) {
        for (const std::string& file : options.keys) {
            if (!key_files_.emplace(read_key_set_id(file), file).second) {
                throw Error(file + ": expected every key set once, found it twice");
            }
        }
        if (options.uploads.size() > 1 && !std::filesystem::is_directory(options.out)) {
            throw Error(options.out +
                        ": expected a folder for the replies to several uploads, found none; create it");
        }
        std::map<std::filesystem::path, std::string> taken;
        for (const std::string& upload : options.uploads) {
            requests_.push_back(check(upload));
            const auto [other, free] = taken.emplace(requests_.back().reply, upload);
            if (!free) {
                throw Error(upload + ": its reply would have the same name as that of " + other->second +
                            "; rename one of them");
            }
        }
    }

    void run(const RunControl& control) {
        nlohmann::ordered_json replies = nlohmann::ordered_json::array();
        ProgressLine progress("infer", static_cast<double>(requests_.size()));
        std::string text;
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            const Request& request = requests_[i];
            RunControl part = control;
            part.progress = progress.part(static_cast<double>(i));
            const auto start = std::chrono::steady_clock::now();
            serve(request, part);
            const double seconds =
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            const std::uintmax_t bytes = std::filesystem::file_size(request.reply);
            replies.push_back({{"upload", request.upload},
                               {"file", request.reply.string()},
                               {"images", request.head.images},
                               {"seconds", seconds},
                               {"bytes", bytes}});
            text += request.reply.string() + " answers " + count_text(request.head.images) +
                    (request.head.images == 1 ? " image" : " images") + " (" + seconds_text(seconds) + ", " +
                    bytes_text(static_cast<double>(bytes)) + ")\n";
        }
        if (options_->json) {
            std::cout << nlohmann::ordered_json{{"model", model_->name}, {"replies", replies}}.dump(2)
                      << '\n';
        } else {
            std::cout << text;
        }
    }

  private:
    Request check(const std::string& upload) {
        Request request;
        request.upload = upload;
        request.reply = reply_file(*options_, upload);
        if (!options_->force && std::filesystem::exists(request.reply)) {
            throw Error(request.reply.string() +
                        ": exists already; use another name, or --force to replace it");
        }
        Source source{std::filesystem::path(upload)};
        request.head = read_upload_head(source);
        const auto keys = key_files_.find(request.head.keys);
        if (keys == key_files_.end()) {
            throw Error(upload + ": expected an upload for the key set " +
                        format_hash(key_files_.begin()->first) +
                        (key_files_.size() > 1 ? " or another one given" : "") + ", found one for " +
                        format_hash(request.head.keys) + "; give that client's evaluation.keys with --keys");
        }
        request.keys = keys->second;
        const std::string id = plan_id(request.head.plan);
        if (!plans_.contains(id)) {
            Plan plan = plan_for(*model_, options_->plan, upload, request.head.plan);
            auto context = std::make_shared<const Context>(plan.client.parameters);
            plans_.emplace(id, Planned{std::move(plan), std::move(context), nullptr});
        }
        return request;
    }

    void serve(const Request& request, const RunControl& control) {
        const std::string plan = plan_id(request.head.plan);
        Planned& planned = plans_.at(plan);
        const Ring& ring = planned.context->ring();
        auto session = sessions_.find({request.head.keys, plan});
        if (session == sessions_.end()) {
            auto keys = std::make_shared<const EvaluationKeys>(load_evaluation_keys(request.keys, ring));
            if (!planned.compiled) {
                planned.compiled =
                    std::make_shared<const CompiledModel>(*model_, planned.plan, planned.context);
            }
            session =
                sessions_
                    .emplace(std::pair{request.head.keys, plan}, Session(planned.compiled, std::move(keys)))
                    .first;
        }
        OutputFile file(request.reply, Access::everyone,
                        options_->force ? Overwrite::allow : Overwrite::refuse);
        Source source{std::filesystem::path(request.upload)};
        RunControl quiet = control;
        quiet.progress = {};
        Upload upload = load_upload(source, *planned.context, planned.plan.client, quiet);
        const EncryptedTensor reply = std::visit(
            [&](auto& tensor) { return session->second.infer(std::move(tensor), control); }, upload);
        save_reply(file.stream(), ring, planned.plan.client, request.head.keys, reply);
        file.commit();
    }

    const Options* options_;
    const Model* model_;
    std::map<KeySetId, std::filesystem::path> key_files_;
    std::map<std::string, Planned> plans_;                          // by plan_id()
    std::map<std::pair<KeySetId, std::string>, Session> sessions_;  // by keys and plan_id()
    std::vector<Request> requests_;
};

void infer(const Options& options, const std::stop_token& stop) {
    const Model model = load_model(find_model(options.model), stop);
    Server server(options, model);
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    server.run(control);
}

}  // namespace

void add_infer_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("infer", "server: answer uploads; it needs and touches nothing that is secret");
    command->add_option("--model", options->model, "a shipped model's name, or a *.lacuna.json file")
        ->required();
    command->add_option("--keys", options->keys, "clients' evaluation.keys")
        ->type_name("FILE...")
        ->required();
    command->add_option("--in", options->uploads, "uploads that `lacuna encrypt` wrote")
        ->type_name("FILE...")
        ->required();
    command
        ->add_option("--out", options->out,
                     "the reply; for several uploads a folder, where NAME.reply.lct answers NAME.lct")
        ->type_name("FILE|DIR")
        ->required();
    command->add_flag("--force", options->force, "replace replies that exist");
    add_privacy_options(*command, options->plan);
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna infer --model faster-cryptonets --keys evaluation.keys --in upload.lct --out reply.lct\n"
        "  lacuna infer --model faster-cryptonets --keys anna.keys ben.keys --in uploads/*.lct --out "
        "replies");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { infer(*options, stop); }; });
}

}  // namespace lacuna
