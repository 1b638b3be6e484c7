// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/serialize.h>
#include "tools/command.h"
#include "tools/json_output.h"
#include "tools/key_folder.h"
#include "tools/option_checks.h"
#include "tools/passphrase_prompt.h"
#include "tools/plan_options.h"
#include "tools/quantity.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

struct Options {
    std::string client;
    std::string out;
    bool passphrase = false;
    std::string passphrase_file;
    int threads = 1;
    bool force = false;
    bool json = false;
};

/// What the new secret key shall be under, if anything; asked for twice, since nobody sees what is typed.
std::optional<Passphrase> new_passphrase(const Options& options, const std::stop_token& stop) {
    if (!options.passphrase_file.empty()) {
        return read_passphrase(options.passphrase_file);
    }
    if (!options.passphrase) {
        return std::nullopt;
    }
    Passphrase first = ask_passphrase("New passphrase for secret.key: ", stop);
    if (!(ask_passphrase("Once more: ", stop) == first)) {
        throw Error("passphrase: expected the same one twice, found two different ones; try again");
    }
    return first;
}

void keygen(const Options& options, const std::stop_token& stop) {
    const ClientPlan plan = load_client_plan(options.client);
    const KeyFolder folder(options.out);
    const Overwrite overwrite = options.force ? Overwrite::allow : Overwrite::refuse;
    folder.complete();
    folder.check_free(overwrite);
    check_threads(options.threads);
    const std::optional<Passphrase> passphrase = new_passphrase(options, stop);
    const Client client(plan);
    const EvaluationKeys keys = client.evaluation_keys(options.threads);
    if (stop.stop_requested()) {
        throw Stopped();
    }
    folder.save(client, keys, overwrite, passphrase);
    const std::string id = format_hash(folder.id());
    const std::uint64_t bytes = evaluation_keys_bytes(client.context().ring(), keys);
    if (options.json) {
        print_json_document({{"folder", options.out},
                             {"model", plan.model},
                             {"key_set", id},
                             {"passphrase", passphrase.has_value()},
                             {"bytes", {{"evaluation_keys", bytes}}}});
        return;
    }
    std::cout
        << "Key set " << id << " for model " << terminal_text(plan.model) << " in "
        << terminal_text(options.out) << ":\n"
        << (passphrase
                ? "  secret.key       stays here, under the passphrase; with both everything can be read\n"
                : "  secret.key       stays here; whoever has it can read everything\n")
        << "  public.key       for others who encrypt to you\n"
        << "  evaluation.keys  for the server (" << bytes_text(static_cast<double>(bytes)) << ")\n"
        << "  client.json      the client's half of the plan\n";
}

}  // namespace

void add_keygen_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("keygen", "client: make the keys that a plan asks for");
    command->add_option("--client", options->client, "the client's half of the plan")
        ->type_name("FILE")
        ->check(not_empty())
        ->required();
    command->add_option("--out", options->out, "a new or empty folder for the keys")
        ->type_name("DIR")
        ->check(not_empty())
        ->required();
    auto* file = command
                     ->add_option("--passphrase-file", options->passphrase_file,
                                  "encrypt secret.key under the passphrase in the first line of FILE")
                     ->type_name("FILE")
                     ->check(not_empty());
    command
        ->add_flag("--passphrase", options->passphrase,
                   "the same, with a passphrase that the terminal asks for")
        ->excludes(file);
    command->add_flag("--force", options->force, "replace the keys in that folder");
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna plan --model faster-cryptonets --export-client client.json\n"
        "  lacuna keygen --client client.json --out keys\n"
        "  lacuna keygen --client client.json --out keys --passphrase");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { keygen(*options, stop); }; });
}

}  // namespace lacuna
