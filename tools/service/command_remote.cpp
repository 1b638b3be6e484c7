// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/record.h>
#include <lacuna/tools/service/remote_client.h>
#include "tools/answers.h"
#include "tools/command.h"
#include "tools/image_options.h"
#include "tools/json_output.h"
#include "tools/key_folder.h"
#include "tools/option_checks.h"
#include "tools/passphrase_prompt.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

using service::RemoteClient;
using service::RemoteReport;

struct Options {
    std::string url;
    std::string model;
    std::string keys;
    ImageOptions images;
    std::string passphrase_file;
    std::string token_file;
    int threads = 1;
    bool json = false;
    bool csv = false;
};

std::string read_token(const std::string& file) {
    std::ifstream stream(file);
    std::string token;
    if (!std::getline(stream, token) || token.empty()) {
        throw Error(file + ": expected a token in its first line, found none");
    }
    if (token.back() == '\r') {
        token.pop_back();
    }
    return token;
}

/// The one that was asked for, or the only one there is.
std::string model_of(RemoteClient& remote, const Options& options) {
    const std::vector<std::string> names = remote.models();
    if (options.model.empty() && names.size() == 1) {
        return names.front();
    }
    if (std::ranges::find(names, options.model) != names.end()) {
        return options.model;
    }
    std::string list;
    for (const std::string& name : names) {
        list += (list.empty() ? "" : ", ") + name;
    }
    throw Error(options.url + ": expected a model '" + options.model + "' there, found: " + list +
                "; name one of these with --model");
}

bool is_new(const std::string& folder) {
    std::error_code problem;
    return !std::filesystem::exists(std::filesystem::path(folder) / "client.json", problem);
}

/// Keys for this plan: those in the folder, or new ones where there are none yet.
Client client_of(const Options& options, const ClientPlan& plan, const std::stop_token& stop) {
    const KeyFolder folder(options.keys);
    folder.complete();
    if (is_new(options.keys)) {
        folder.check_free(Overwrite::refuse);
        const Client client(plan);
        const EvaluationKeys keys = client.evaluation_keys(options.threads);
        if (stop.stop_requested()) {
            throw Stopped();
        }
        const std::optional<Passphrase> passphrase =
            options.passphrase_file.empty() ? std::nullopt
                                            : std::optional(read_passphrase(options.passphrase_file));
        folder.save(client, keys, Overwrite::refuse, passphrase);
    }
    Client client = folder.client(passphrase_source(options.passphrase_file, stop));
    if (client.plan() != plan) {
        throw Error(options.keys + ": expected keys for the plan " + plan_id(plan) + " that " +
                    terminal_text(options.url) + " has for this model, found those of " +
                    plan_id(client.plan()) + "; have keys made in another folder with --keys");
    }
    return client;
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) {
        throw Error(file.string() + ": cannot read; check its permissions");
    }
    return bytes;
}

/// Before any image, so that it has a line of progress to itself. Returns the bytes sent.
std::uint64_t send_keys(RemoteClient& server, std::span<const std::uint8_t> record, const Options& options,
                        RunControl control) {
    ProgressLine progress("keys");
    if (!options.json) {
        control.progress = progress.part(0);
    }
    return server.send_keys(record, control);
}

nlohmann::ordered_json report_json(const std::vector<RemoteReport>& reports) {
    nlohmann::ordered_json requests = nlohmann::ordered_json::array();
    for (const RemoteReport& report : reports) {
        requests.push_back({{"seconds", report.seconds},
                            {"bytes",
                             {{"evaluation_keys", report.key_bytes},
                              {"upload", report.upload_bytes},
                              {"reply", report.reply_bytes}}},
                            {"server_timing", report.server_timing}});
    }
    return requests;
}

void remote(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    RemoteClient server(options.url,
                        options.token_file.empty() ? std::string() : read_token(options.token_file));
    const std::string model = model_of(server, options);
    const ClientPlan plan = server.plan(model);
    const std::vector<std::uint8_t> pixels = options.images.read(plan, stop);
    const Client client = client_of(options, plan, stop);
    const std::vector<std::uint8_t> record =
        read_bytes(std::filesystem::path(options.keys) / "evaluation.keys");
    const std::size_t size = plan.input_shape.size();
    const std::size_t each = plan.batch * size;
    const std::size_t requests = (pixels.size() + each - 1) / each;
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    const std::uint64_t key_bytes = send_keys(server, record, options, control);
    ProgressLine progress("remote", static_cast<double>(std::max<std::size_t>(1, requests)));
    Logits logits;
    std::vector<RemoteReport> reports;
    for (std::size_t i = 0; i < requests; ++i) {
        if (!options.json) {
            control.progress = progress.part(static_cast<double>(i));
        }
        const std::size_t begin = i * each;
        const std::span<const std::uint8_t> part(pixels.data() + begin,
                                                 std::min(each, pixels.size() - begin));
        RemoteReport& report = reports.emplace_back();
        for (auto& row : server.classify(model, client, record, part, report, control)) {
            logits.push_back(std::move(row));
        }
    }
    if (!reports.empty()) {
        reports.front().key_bytes += key_bytes;
    }
    if (options.json) {
        print_json_document({{"url", options.url},
                             {"model", model},
                             {"key_set", format_hash(read_key_set_id(record))},
                             {"scale", plan.output_scale},
                             {"images", answers_json(plan, logits)},
                             {"requests", report_json(reports)}});
    } else if (requests == 0) {
        std::cout << "Key set " << format_hash(read_key_set_id(record)) << " is at "
                  << terminal_text(options.url) << " (" << bytes_text(static_cast<double>(record.size()))
                  << ")\n";
    } else {
        print_answers(plan, logits, options.csv ? AnswerForm::csv : AnswerForm::text);
    }
}

}  // namespace

void add_remote_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "remote", "client: classify images at a server; keys are made and stay here, images leave encrypted");
    command->add_option("url", options->url, "the server, http://HOST:PORT or https://HOST:PORT")
        ->type_name("URL")
        ->check(not_empty())
        ->required();
    command
        ->add_option("--keys", options->keys,
                     "folder for the keys: made at first, used from then on; secret.key stays in it")
        ->type_name("DIR")
        ->check(not_empty())
        ->required();
    command->add_option("--model", options->model, "which of the server's models, where there are several")
        ->type_name("NAME")
        ->check(not_empty());
    options->images.add_to(
        *command, "PNG, PGM, IDX or CSV files as for `lacuna encrypt`; without any, keys are made and sent");
    command
        ->add_option("--token-file", options->token_file,
                     "send the bearer token in the first line of FILE; over https, or who listens has it")
        ->type_name("FILE")
        ->check(not_empty());
    add_passphrase_file_option(*command, options->passphrase_file);
    add_threads_option(*command, options->threads);
    auto* json =
        command->add_flag("--json", options->json, "one JSON object on standard output instead of text");
    command->add_flag("--csv", options->csv, "comma-separated values instead of text")->excludes(json);
    command->footer(
        "Examples:\n"
        "  lacuna remote http://127.0.0.1:8080 --keys keys --images seven.png three.png\n"
        "  lacuna remote https://digits.example --keys keys --images t10k-images-idx3-ubyte.gz --json\n"
        "  lacuna remote http://127.0.0.1:8080 --keys keys --data rows.csv --count 100 --csv\n\n"
        "Numbers that are no pixels are quantised by the client's half of the plan, which the server sends.");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { remote(*options, stop); }; });
}

}  // namespace lacuna
