// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/output_file.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/plan/division.h>
#include "tools/bandwidth_option.h"
#include "tools/batch_curve.h"
#include "tools/command.h"
#include "tools/comparison.h"
#include "tools/division_text.h"
#include "tools/json_output.h"
#include "tools/machine_speed.h"
#include "tools/model_files.h"
#include "tools/option_checks.h"
#include "tools/plan_options.h"
#include "tools/plan_text.h"
#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"

namespace lacuna {

namespace {

using nlohmann::ordered_json;

struct Options {
    std::string model;
    std::size_t batch = 1;
    std::vector<std::size_t> batches;
    PlanOptions plan;
    std::string client_file;
    std::string plan_file;
    std::vector<std::size_t> ranks;
    std::vector<double> bandwidths = {10e9};  // bits a second
    std::size_t uploads = 1;
    bool force = false;
    bool compare = false;
    bool json = false;
};

/// "privacy" of a model's provenance, where it was trained with differential privacy: an object with the
/// numbers epsilon and delta; else null. What the file says, not what was checked.
nlohmann::json training_privacy(const Model& model) {
    const auto provenance = nlohmann::json::parse(model.provenance);
    if (!provenance.is_object() || !provenance.contains("privacy")) {
        return {};
    }
    const nlohmann::json& privacy = provenance["privacy"];
    const auto states = [&](const char* field) {
        return privacy.is_object() && privacy.contains(field) && privacy[field].is_number();
    };
    return states("epsilon") && states("delta")
               ? nlohmann::json{{"epsilon", privacy["epsilon"]}, {"delta", privacy["delta"]}}
               : nlohmann::json();
}

/// A plan shared out at a bandwidth in bits a second.
struct Shared {
    Division division;
    double bandwidth = 0;
};

/// At each of the bandwidths, between each of the numbers of ranks.
std::vector<Shared> shared_out(const Model& model, const Plan& plan, const Options& options, double speed,
                               const std::stop_token& stop) {
    std::vector<Shared> result;
    if (options.ranks.empty()) {
        return result;
    }
    const ExpandedModel expanded(model, stop);
    for (const double bandwidth : options.bandwidths) {
        for (const std::size_t ranks : options.ranks) {
            expanded.check_stop();
            Machines machines;
            machines.ranks = ranks;
            machines.bytes_per_second = bandwidth / 8;
            machines.nominal_seconds = speed * 1e-9;
            machines.uploads = options.uploads;
            result.push_back({divide(expanded, plan, machines), bandwidth});
        }
    }
    return result;
}

void plan(const Options& options, const std::stop_token& stop) {
    if (options.compare) {
        print_comparison(options.json, stop);
        return;
    }
    const Model model = find_model(options.model, stop);
    if (!options.batches.empty()) {
        print_batch_curve(model, options.plan, options.batches, options.json, stop);
        return;
    }
    const Plan plan = make_plan(model, options.plan.request(options.batch), stop);
    if (!options.client_file.empty()) {
        write_file(options.client_file, Access::everyone,
                   options.force ? Overwrite::allow : Overwrite::refuse,
                   [&](std::ostream& stream) { stream << format_client_plan(plan.client); });
    }
    if (!options.plan_file.empty()) {
        write_file(options.plan_file, Access::everyone, options.force ? Overwrite::allow : Overwrite::refuse,
                   [&](std::ostream& stream) { stream << format_compiled_plan(plan); });
    }
    const double speed = seconds_per_nominal_second(plan.client.parameters);
    const std::vector<Shared> shared = shared_out(model, plan, options, speed, stop);
    if (options.json) {
        ordered_json document = ordered_json::parse(format_plan(plan));
        document["estimated_seconds"] = plan.cost() * speed * 1e-9;
        document["kernel"] = std::string(active_kernels().name);
        document["training_privacy"] = training_privacy(model);
        if (!shared.empty()) {
            document["machines"] = ordered_json::array();
            for (const auto& [division, bandwidth] : shared) {
                document["machines"].push_back(division_json(plan, division, bandwidth));
            }
        }
        print_json_document(document);
        return;
    }
    std::cout << plan_text(plan, speed);
    for (const auto& [division, bandwidth] : shared) {
        std::cout << '\n' << division_text(plan, division, bandwidth);
    }
    if (const auto privacy = training_privacy(model); !privacy.is_null()) {
        std::cout << "\nBy its file the model was trained with differential privacy: epsilon = "
                  << privacy["epsilon"] << ", delta = " << privacy["delta"]
                  << " for every example it has seen.\n";
    }
    if (!options.client_file.empty()) {
        std::cout << "\nThe client's half is in " << terminal_text(options.client_file) << ".\n";
    }
    if (!options.plan_file.empty()) {
        std::cout << "\nThe compiled plan is in " << terminal_text(options.plan_file) << ".\n";
    }
}

}  // namespace

void add_plan_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("plan", "say what encrypted inference will do and cost, and why");
    auto* model =
        command->add_option("--model", options->model, "a shipped model's name, or a *.lacuna.json file")
            ->check(not_empty());
    const CLI::Range batch_range(std::size_t{1}, std::size_t{1'000'000});
    auto* batch = command->add_option("--batch", options->batch, "images to be classified together")
                      ->type_name("B")
                      ->capture_default_str()
                      ->transform(decimal())
                      ->check(batch_range);
    options->plan.add_to(*command);
    command->add_flag(
        "--public-encryption", options->plan.public_encryption,
        "leave room for the noise of images encrypted with the public key (`lacuna encrypt --public`)");
    auto* client =
        command
            ->add_option("--export-client", options->client_file,
                         "write the client's half of the plan: all that a client needs, no weights")
            ->type_name("FILE")
            ->check(not_empty());
    auto* out = command
                    ->add_option("--out", options->plan_file,
                                 "write the compiled plan: `lacuna infer --plan` answers with it at once, "
                                 "without planning again")
                    ->type_name("FILE")
                    ->check(not_empty());
    command->add_flag("--force", options->force, "replace those files where they exist");
    auto* ranks =
        command
            ->add_option("--ranks", options->ranks,
                         "also how so many machines of one thread share a request out, and what moves "
                         "between them (mpirun -n N lacuna infer)")
            ->type_name("N,N,...")
            ->delimiter(',')
            ->transform(decimal())
            ->check(CLI::Range(std::size_t{1}, std::size_t{1024}));
    add_bandwidths_option(*command, options->bandwidths)->needs(ranks);
    command->add_option("--uploads", options->uploads, "with --ranks: uploads that are answered together")
        ->type_name("U")
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
        ->needs(ranks);
    auto* batches = command
                        ->add_option("--batches", options->batches,
                                     "for each of these numbers of images the plan's packing, time and bytes "
                                     "instead, as 1,10,100,1000,10000")
                        ->type_name("B,B,...")
                        ->delimiter(',')
                        ->transform(decimal())
                        ->check(batch_range)
                        ->excludes(batch)
                        ->excludes(client)
                        ->excludes(out)
                        ->excludes(ranks);
    command
        ->add_flag("--compare", options->compare, "every shipped model beside the published networks instead")
        ->excludes(model)
        ->excludes(client)
        ->excludes(out)
        ->excludes(batches)
        ->excludes(ranks);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna plan --model faster-cryptonets --batch 8192\n"
        "  lacuna plan --model mine.lacuna.json --packing radix --no-circuit-privacy\n"
        "  lacuna plan --model faster-cryptonets --export-client client.json --out server.plan\n"
        "  lacuna plan --model faster-cryptonets --batches 1,10,100,1000,10000\n"
        "  lacuna plan --model cryptodl-2 --ranks 2,16,64 --bandwidth 10G,25G\n"
        "  lacuna plan --compare");
    command->callback([options, &work] {
        if (!options->compare && options->model.empty()) {
            throw UsageError("plan: expected --model NAME|FILE or --compare, found neither");
        }
        if (options->force && options->client_file.empty() && options->plan_file.empty()) {
            throw UsageError("plan: expected --export-client or --out with --force, found neither");
        }
        work = [options](const std::stop_token& stop) { plan(*options, stop); };
    });
}

}  // namespace lacuna
