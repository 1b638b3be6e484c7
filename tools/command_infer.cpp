// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cmath>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/tensor_file.h>
#include "tools/bandwidth_option.h"
#include "tools/command.h"
#include "tools/infer_engine.h"
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
    double bandwidth = 0;  // bits a second; 0: not given
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

/// A plan by the client's half. The context and the model, compiled for the first request, are shared by all
/// its clients.
struct Planned {
    Plan plan;
    Context context;
    std::size_t together = 0;  // uploads that are answered at a time; 0: not compiled yet
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
Plan plan_for(const Model& model, const std::string& upload, const ClientPlan& client,
              const std::stop_token& stop) {
    PlanRequest request;
    request.batch = client.batch;
    request.privacy_bits = client.privacy_bits;
    request.packing = client.packing;
    request.security = client.parameters.security;
    request.plain_moduli = client.parameters.plain_moduli.size();
    request.public_encryption = client.public_encryption;
    request.plain_kind =
        client.parameters.plain_polynomials.empty() ? PlainKind::integers : PlainKind::binomial;
    Plan plan = make_plan(model, request, stop);
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
    Server(const Options& options, const Model& model, const InferEngine& engine, std::stop_token stop)
        : options_(&options), model_(&model), engine_(&engine), stop_(std::move(stop)) {
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
            add_plan(load_compiled_plan(file, model, stop_), file);
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
        try {
            for (std::size_t i = 0; i < requests_.size(); ++i) {
                RunControl part = control;
                part.progress = progress.part(static_cast<double>(i));
                serve(requests_[i], part);
                const bool last = i + 1 == requests_.size();
                if (last || !same_client(requests_[i], requests_[i + 1])) {
                    answer_pending(part);
                }
            }
        } catch (const Stopped&) {
            report_partly();
            throw;
        } catch (const Error& problem) {
            report_partly();
            if (answered_.empty()) {
                throw;
            }
            throw Error(
                std::string(problem.what()) + "; " + std::to_string(answered_.size()) +
                " of the uploads before it are answered: leave them out of the next run, or give --force");
        }
        report();
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
    void report_partly() const {
        if (!answered_.empty()) {
            report();
            std::cout.flush();
        }
    }

    void report() const {
        nlohmann::ordered_json replies = nlohmann::ordered_json::array();
        for (const Answered& reply : answered_) {
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
            nlohmann::ordered_json document = {{"model", model_->name},
                                               {"replies", replies},
                                               {"stages", times_.json()},
                                               {"threads", options_->threads},
                                               {"peak_memory_bytes", peak_memory_bytes()}};
            engine_->account(document);
            print_json_document(document);
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
        add_plan(plan_for(*model_, upload, request.head.plan, stop_), upload);
        return request;
    }

    void add_plan(Plan plan, const std::string& file) {
        check_privacy(options_->plan, file, plan.client);
        Context context(plan.client.parameters);
        const std::string id = plan_id(plan.client);
        if (!plans_.emplace(id, Planned{std::move(plan), std::move(context)}).second) {
            throw Error(file + ": expected every plan once, found it twice");
        }
    }

    [[nodiscard]] Overwrite overwrite() const {
        return options_->force ? Overwrite::allow : Overwrite::refuse;
    }

    /// A file of replies on its way: it gets its name with the last of them.
    struct Reply {
        Reply(const Request& of, Overwrite overwrite)
            : request(&of), file(of.reply, Access::everyone, overwrite) {}

        const Request* request;
        OutputFile file;
        std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
        std::size_t images = 0;
        std::size_t missing = 0;  // uploads that are read and not answered
        bool read = false;        // to the end
    };
    /// An upload that waits until enough of them are there to be answered together.
    struct Pending {
        Reply* reply;
        Upload upload;
    };

    [[nodiscard]] static bool same_client(const Request& a, const Request& b) {
        return a.head.keys == b.head.keys && plan_id(a.head.plan) == plan_id(b.head.plan);
    }

    /// How many uploads of this plan there are, going by the sizes of their files.
    [[nodiscard]] std::size_t count_uploads(const std::string& plan) const {
        std::size_t count = 0;
        for (const Request& request : requests_) {
            if (plan_id(request.head.plan) == plan) {
                const auto size = static_cast<double>(std::filesystem::file_size(request.upload));
                const double each = plans_.at(plan).plan.upload_bytes();
                count += static_cast<std::size_t>(std::max(1.0, std::round(size / each)));
            }
        }
        return count;
    }

    Planned& prepare(const Request& request, const std::string& plan) {
        Planned& planned = plans_.at(plan);
        if (ready_.contains({request.head.keys, plan})) {
            return planned;
        }
        times_.enter("load keys");
        auto keys = std::make_shared<const EvaluationKeys>(
            load_evaluation_keys(request.keys, planned.context.ring()));
        times_.enter("prepare model");
        if (planned.together == 0) {
            InferEngine::Setting setting;
            setting.threads = options_->threads;
            if (options_->bandwidth > 0) {
                setting.bytes_per_second = options_->bandwidth / 8;
            }
            setting.uploads = engine_->ranks > 1 ? count_uploads(plan) : 1;
            planned.together = engine_->prepare(plan, *model_, planned.plan, planned.context, setting);
        }
        engine_->add_keys(plan, request.head.keys, std::move(keys));
        ready_.emplace(request.head.keys, plan);
        return planned;
    }

    /// Answers the uploads of one file, which follow each other, in a file of as many replies; those that are
    /// to be answered together with others stay pending.
    void serve(const Request& request, const RunControl& control) {
        const Planned& planned = prepare(request, plan_id(request.head.plan));
        Reply& reply = replies_.emplace_back(request, overwrite());
        Source source{std::filesystem::path(request.upload)};
        RunControl quiet = control;
        quiet.progress = {};
        do {
            times_.enter("load upload");
            Upload upload =
                load_next_upload(source, planned.context, planned.plan.client, request.head.keys, quiet);
            ++reply.missing;
            reply.read = source.at_end();
            pending_.push_back({&reply, std::move(upload)});
            if (pending_.size() >= planned.together) {
                answer_pending(control);
            }
        } while (!reply.read);
    }

    void answer_pending(const RunControl& control) {
        if (pending_.empty()) {
            return;
        }
        const Request& first = *pending_.front().reply->request;
        const std::string plan = plan_id(first.head.plan);
        const Planned& planned = plans_.at(plan);
        RunControl timed = control;
        timed.progress = times_.follow(control.progress);
        std::vector<Upload> uploads;
        for (Pending& pending : pending_) {
            uploads.push_back(std::move(pending.upload));
        }
        const std::vector<EncryptedTensor> replies =
            engine_->answer(plan, first.head.keys, std::move(uploads), timed);
        times_.enter("write reply");
        for (std::size_t i = 0; i < replies.size(); ++i) {
            Reply& reply = *pending_[i].reply;
            save_reply(reply.file.stream(), planned.context.ring(), planned.plan.client, first.head.keys,
                       replies[i]);
            reply.images += replies[i].layout.batch;
            --reply.missing;
        }
        pending_.clear();
        while (!replies_.empty() && replies_.front().read && replies_.front().missing == 0) {
            commit(replies_.front());
            replies_.pop_front();
        }
        times_.pause();
    }

    void commit(Reply& reply) {
        reply.file.commit();
        const auto now = std::chrono::steady_clock::now();
        answered_.push_back({reply.request, reply.images, reply.file.bytes(),
                             std::chrono::duration<double>(now - reply.start).count()});
    }

    const Options* options_;
    const Model* model_;
    const InferEngine* engine_;
    std::stop_token stop_;
    std::map<KeySetId, std::filesystem::path> key_files_;
    std::map<std::string, Planned> plans_;              // by plan_id()
    std::set<std::pair<KeySetId, std::string>> ready_;  // keys and plan_id() that the engine has
    std::vector<Request> requests_;
    std::deque<Reply> replies_;
    std::vector<Pending> pending_;
    std::vector<Answered> answered_;
    StageTimes times_;
};

void infer(const Options& options, const InferEngine& engine, const std::stop_token& stop) {
    if (options.bandwidth > 0 && engine.ranks == 1) {
        throw UsageError("infer: expected --bandwidth where mpirun has started several processes, found one");
    }
    check_threads(options.threads);
    const Model model = find_model(options.model, stop);
    Server server(options, model, engine, stop);
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    server.run(control);
}

}  // namespace

void add_infer_command(CLI::App& app, Work& work, const InferEngine& engine) {
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
    if (engine.threads > 0) {
        command->get_option("--threads")->default_val(engine.threads);
    }
    add_bandwidth_option(*command, options->bandwidth);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna infer --model faster-cryptonets --keys evaluation.keys --in upload.lct --out reply.lct\n"
        "  lacuna infer --model faster-cryptonets --plan server.plan --keys evaluation.keys --in upload.lct "
        "--out reply.lct\n"
        "  lacuna infer --model faster-cryptonets --keys anna.keys ben.keys --in uploads/*.lct --out "
        "replies\n"
        "  mpirun -n 4 lacuna infer --model cryptodl-2 --plan server.plan --keys evaluation.keys --in "
        "upload.lct --out reply.lct");
    command->callback([options, engine, &work] {
        work = [options, engine](const std::stop_token& stop) { infer(*options, engine, stop); };
    });
}

void add_infer_command(CLI::App& app, Work& work) {
    add_infer_command(app, work, own_engine());
}

}  // namespace lacuna
