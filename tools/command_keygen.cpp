// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "he/record.h"
#include "he/serialize.h"
#include "tools/command.h"
#include "tools/key_folder.h"
#include "tools/plan_options.h"
#include "tools/quantity.h"

namespace lacuna {

namespace {

struct Options {
    std::string client;
    std::string out;
    int threads = 1;
    bool force = false;
    bool json = false;
};

void keygen(const Options& options, const std::stop_token& stop) {
    const ClientPlan plan = load_client_plan(options.client);
    const KeyFolder folder(options.out);
    const Overwrite overwrite = options.force ? Overwrite::allow : Overwrite::refuse;
    folder.check_free(overwrite);
    const Client client(plan);
    const EvaluationKeys keys = client.evaluation_keys(options.threads);
    if (stop.stop_requested()) {
        throw Stopped();
    }
    folder.save(client, keys, overwrite);
    const std::string id = format_hash(folder.id());
    const std::uint64_t bytes =
        evaluation_keys_bytes(client.context().ring(), keys.public_key.has_value(),
                              keys.relin_keys.has_value(), keys.galois_keys.entries.size());
    if (options.json) {
        std::cout << nlohmann::ordered_json{{"folder", options.out},
                                            {"model", plan.model},
                                            {"key_set", id},
                                            {"bytes", {{"evaluation_keys", bytes}}}}
                         .dump(2)
                  << '\n';
        return;
    }
    std::cout << "Key set " << id << " for model " << plan.model << " in " << options.out << ":\n"
              << "  secret.key       stays here; whoever has it can read everything\n"
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
        ->required();
    command->add_option("--out", options->out, "a new or empty folder for the keys")
        ->type_name("DIR")
        ->required();
    command->add_flag("--force", options->force, "replace the keys in that folder");
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna plan --model faster-cryptonets --export-client client.json\n"
        "  lacuna keygen --client client.json --out keys");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { keygen(*options, stop); }; });
}

}  // namespace lacuna
