// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/server/session.h>
#include "tools/command.h"
#include "tools/json_output.h"
#include "tools/model_files.h"
#include "tools/option_checks.h"
#include "tools/peak_memory.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"
#include "tools/rereadable.h"
#include "tools/stage_times.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

struct Options {
    std::string model;
    std::vector<std::string> keys;
    std::vector<std::string> uploads;
    std::vector<std::string> plans;
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
    Context context;
    std::shared_ptr<const CompiledModel> compiled;
};

void check_model(const Model& model, const std::string& upload, const ClientPlan& client) {
    if (client.model != model.name) {
        throw Error(upload + ": expected an upload for model '" + model.name + "', found one for '" +
                    client.model + "'; give that model with --model, or encrypt for this one");
    }
}

/// Circuit privacy is what the client's half says; where the server says something too, they agree.
void check_privacy(const PlanOptions& options, const std::string& file, const ClientPlan& client) {
    const std::optional<int> stated = options.no_circuit_privacy ? 0 : options.privacy_bits;
    if (stated && *stated != client.privacy_bits) {
        throw Error(file + ": expected a plan with " + std::to_string(*stated) +
                    " bits of circuit privacy, as --privacy-bits or --no-circuit-privacy says here, found " +
                    std::to_string(client.privacy_bits) +
                    "; leave that option out, or make a plan with the same one");
    }
}

/// The server's own plan for an upload: everything that a request states was settled when the client's half
/// was exported.
Plan plan_for(const Model& model, const std::string& upload, const ClientPlan& client) {
    PlanRequest request;
    request.batch = client.batch;
    request.privacy_bits = client.privacy_bits;
    request.packing = client.packing;
    request.security = client.parameters.security;
    request.plain_moduli = client.parameters.plain_moduli.size();
    request.public_encryption = client.public_encryption;
    request.plain_kind =
        client.parameters.plain_polynomials.empty() ? PlainKind::integers : PlainKind::binomial;
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
        // What is read twice cannot be a pipe.
        for (const auto* files : {&options.keys, &options.uploads, &options.plans}) {
            for (const std::string& file : *files) {
                check_rereadable(file);
            }
        }
        for (const std::string& file : options.keys) {
            if (!key_files_.emplace(read_key_set_id(file), file).second) {
                throw Error(file + ": expected every key set once, found it twice");
            }
        }
        times_.enter("plan");
        for (const std::string& file : options.plans) {
            add_plan(load_compiled_plan(file, model), file);
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
        times_.pause();
        ProgressLine progress("infer", static_cast<double>(requests_.size()));
        std::vector<Answered> answered;
        try {
            for (std::size_t i = 0; i < requests_.size(); ++i) {
                RunControl part = control;
                part.progress = progress.part(static_cast<double>(i));
                const auto start = std::chrono::steady_clock::now();
                Answered reply = serve(requests_[i], part);
                reply.seconds =
                    std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
                answered.push_back(reply);
            }
        } catch (const Stopped&) {
            report_partly(answered);
            throw;
        } catch (const Error& problem) {
            report_partly(answered);
            if (answered.empty()) {
                throw;
            }
            throw Error(
                std::string(problem.what()) + "; " + std::to_string(answered.size()) +
                " of the uploads before it are answered: leave them out of the next run, or give --force");
        }
        report(answered);
    }

  private:
    /// A reply that is in its file.
    struct Answered {
        const Request* request;
        std::size_t images = 0;
        std::uint64_t bytes = 0;
        double seconds = 0;
    };

    /// What has been done before something went wrong, if anything.
    void report_partly(const std::vector<Answered>& answered) const {
        if (!answered.empty()) {
            report(answered);
            std::cout.flush();
        }
    }

    void report(const std::vector<Answered>& answered) const {
        nlohmann::ordered_json replies = nlohmann::ordered_json::array();
        for (const Answered& reply : answered) {
            const std::string file = reply.request->reply.string();
            const std::size_t images = reply.images;
            replies.push_back({{"upload", reply.request->upload},
                               {"file", file},
                               {"images", images},
                               {"seconds", reply.seconds},
                               {"bytes", reply.bytes}});
            if (!options_->json) {
                std::cout << terminal_text(file) << " answers " << count_text(images)
                          << (images == 1 ? " image" : " images") << " (" << seconds_text(reply.seconds)
                          << ", " << bytes_text(static_cast<double>(reply.bytes)) << ")\n";
            }
        }
        if (options_->json) {
            print_json_document({{"model", model_->name},
                                 {"replies", replies},
                                 {"stages", times_.json()},
                                 {"threads", options_->threads},
                                 {"peak_memory_bytes", peak_memory_bytes()}});
        }
    }

    Request check(const std::string& upload) {
        Request request;
        request.upload = upload;
        request.reply = reply_file(*options_, upload);
        OutputFile::check(request.reply, overwrite());
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
        check_model(*model_, upload, request.head.plan);
        check_privacy(options_->plan, upload, request.head.plan);
        const std::string id = plan_id(request.head.plan);
        if (plans_.contains(id)) {
            return request;
        }
        if (!options_->plans.empty()) {
            throw Error(upload + ": expected an upload for plan " + plans_.begin()->first +
                        (plans_.size() > 1 ? " or another one given" : "") + ", found one for " + id +
                        "; give its compiled plan with --plan, or encrypt for the client's half of this one");
        }
        add_plan(plan_for(*model_, upload, request.head.plan), upload);
        return request;
    }

    void add_plan(Plan plan, const std::string& file) {
        check_privacy(options_->plan, file, plan.client);
        Context context(plan.client.parameters);
        const std::string id = plan_id(plan.client);
        if (!plans_.emplace(id, Planned{std::move(plan), std::move(context), nullptr}).second) {
            throw Error(file + ": expected every plan once, found it twice");
        }
    }

    [[nodiscard]] Overwrite overwrite() const {
        return options_->force ? Overwrite::allow : Overwrite::refuse;
    }

    /// Answers the uploads of one file, which follow each other, in a file of as many replies.
    Answered serve(const Request& request, const RunControl& control) {
        const std::string plan = plan_id(request.head.plan);
        Planned& planned = plans_.at(plan);
        const Ring& ring = planned.context.ring();
        auto session = sessions_.find({request.head.keys, plan});
        if (session == sessions_.end()) {
            times_.enter("load keys");
            auto keys = std::make_shared<const EvaluationKeys>(load_evaluation_keys(request.keys, ring));
            if (!planned.compiled) {
                times_.enter("prepare model");
                planned.compiled =
                    std::make_shared<const CompiledModel>(*model_, planned.plan, planned.context);
            }
            session =
                sessions_
                    .emplace(std::pair{request.head.keys, plan}, Session(planned.compiled, std::move(keys)))
                    .first;
        }
        OutputFile file(request.reply, Access::everyone, overwrite());
        Source source{std::filesystem::path(request.upload)};
        RunControl quiet = control;
        quiet.progress = {};
        RunControl timed = control;
        timed.progress = times_.follow(control.progress);
        Answered answered{&request};
        do {
            times_.enter("load upload");
            Upload upload =
                load_next_upload(source, planned.context, planned.plan.client, request.head.keys, quiet);
            const EncryptedTensor reply = std::visit(
                [&](auto& tensor) { return session->second.infer(std::move(tensor), timed); }, upload);
            times_.enter("write reply");
            save_reply(file.stream(), ring, planned.plan.client, request.head.keys, reply);
            answered.images += reply.layout.batch;
        } while (!source.at_end());
        file.commit();
        times_.pause();
        answered.bytes = file.bytes();
        return answered;
    }

    const Options* options_;
    const Model* model_;
    std::map<KeySetId, std::filesystem::path> key_files_;
    std::map<std::string, Planned> plans_;                          // by plan_id()
    std::map<std::pair<KeySetId, std::string>, Session> sessions_;  // by keys and plan_id()
    std::vector<Request> requests_;
    StageTimes times_;
};

void infer(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    const Model model = find_model(options.model, stop);
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
        ->check(not_empty())
        ->required();
    command->add_option("--keys", options->keys, "clients' evaluation.keys")
        ->type_name("FILE...")
        ->check(not_empty())
        ->required();
    command->add_option("--in", options->uploads, "uploads that `lacuna encrypt` wrote")
        ->type_name("FILE...")
        ->check(not_empty())
        ->required();
    command
        ->add_option("--out", options->out,
                     "the reply; for several uploads a folder, where NAME.reply.lct answers NAME.lct")
        ->type_name("FILE|DIR")
        ->check(not_empty())
        ->required();
    command
        ->add_option(
            "--plan", options->plans,
            "compiled plans that `lacuna plan --out` wrote for this model; without them the model is "
            "planned anew")
        ->type_name("FILE...")
        ->check(not_empty());
    command->add_flag("--force", options->force, "replace replies that exist");
    add_privacy_options(*command, options->plan);
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna infer --model faster-cryptonets --keys evaluation.keys --in upload.lct --out reply.lct\n"
        "  lacuna infer --model faster-cryptonets --plan server.plan --keys evaluation.keys --in upload.lct "
        "--out reply.lct\n"
        "  lacuna infer --model faster-cryptonets --keys anna.keys ben.keys --in uploads/*.lct --out "
        "replies");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { infer(*options, stop); }; });
}

}  // namespace lacuna
