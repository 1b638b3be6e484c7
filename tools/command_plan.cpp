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
#include "tools/command.h"
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
    PlanOptions plan;
    std::string client_file;
    bool force = false;
    bool compare = false;
    bool json = false;
};

/// The seed table: arXiv 1811.09953.
struct PublishedRow {
    const char* method;
    OperationCounts counts;
    double accuracy;
};
constexpr double published_scale = 100;
const PublishedRow published[] = {
    {"Faster CryptoNets", {3'995, 38'302, 23'952, 945}, 99.13},
    {"CryptoNets", {2'205, 312'137, 296'842, 945}, 99.13},
    {"CryptoDL-1", {30'750, 2'310'000, 2'310'000, 1'600}, 98.52},
    {"CryptoDL-2", {161'546, 46'100'000, 46'200'000, 64'512}, 99.52},
};

/// The accuracy on the MNIST test set that a model's provenance names, a fraction.
std::optional<double> stated_accuracy(const Model& model) {
    const auto provenance = nlohmann::json::parse(model.provenance);
    for (const char* field : {"test_accuracy", "accuracy"}) {
        if (provenance.is_object() && provenance.contains(field) && provenance[field].is_number()) {
            return provenance[field].get<double>();
        }
    }
    return std::nullopt;
}

void compare(bool json) {
    std::vector<std::string> heads = operation_heads("network");
    heads.insert(heads.end(), {"accuracy", "range"});
    Table table(std::move(heads));
    ordered_json rows = ordered_json::array();
    const auto add = [&](const std::string& name, bool shipped, const OperationCounts& counts,
                         std::optional<double> accuracy, std::size_t range_bits) {
        std::vector<std::string> cells = operation_cells(name, counts);
        cells.push_back(accuracy ? decimal_text(*accuracy * 100, 2) + " %" : "-");
        cells.push_back(range_bits == 0 ? "-" : std::to_string(range_bits) + " bits");
        table.add(std::move(cells));
        ordered_json row = {{"network", name},
                            {"shipped", shipped},
                            {"pt_ct_adds", counts.pt_ct_adds},
                            {"ct_ct_adds", counts.ct_ct_adds},
                            {"pt_ct_mults", counts.pt_ct_mults},
                            {"ct_ct_mults", counts.ct_ct_mults},
                            {"total", counts.total()}};
        row["accuracy"] = accuracy ? ordered_json(*accuracy) : ordered_json();
        row["range_bits"] = range_bits == 0 ? ordered_json() : ordered_json(range_bits);
        rows.push_back(std::move(row));
    };
    for (const PublishedRow& row : published) {
        add(std::string(row.method) + " (published)", false, row.counts, row.accuracy / published_scale, 0);
    }
    for (const auto& file : shipped_models()) {
        const Model model = load_model(file);
        // A sign and the magnitude: what t must tell apart.
        const std::size_t bits = mpz_sizeinbase(slot_ranges(model).largest_logit().get_mpz_t(), 2) + 1;
        add(model.name, true, count_operations(model).total(), stated_accuracy(model), bits);
    }
    if (json) {
        print_json_document({{"networks", rows}});
        return;
    }
    std::cout
        << table
        << "\nHomomorphic operations of one inference, one ciphertext an element, one plaintext modulus. "
           "Published rows: arXiv 1811.09953, MNIST.\nRange: bits, sign included, that hold every logit of "
           "every image in the slot packing.\n";
}

void plan(const Options& options) {
    if (options.compare) {
        compare(options.json);
        return;
    }
    const Model model = load_model(find_model(options.model));
    const Plan plan = make_plan(model, options.plan.request(options.batch));
    if (!options.client_file.empty()) {
        write_file(options.client_file, Access::everyone,
                   options.force ? Overwrite::allow : Overwrite::refuse,
                   [&](std::ostream& stream) { stream << format_client_plan(plan.client); });
    }
    const double speed = seconds_per_nominal_second(plan.client.parameters);
    if (options.json) {
        ordered_json document = ordered_json::parse(format_plan(plan));
        document["estimated_seconds"] = plan.cost() * speed * 1e-9;
        document["kernel"] = std::string(active_kernels().name);
        print_json_document(document);
        return;
    }
    std::cout << plan_text(plan, speed);
    if (!options.client_file.empty()) {
        std::cout << "\nThe client's half is in " << terminal_text(options.client_file) << ".\n";
    }
}

}  // namespace

void add_plan_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("plan", "say what encrypted inference will do and cost, and why");
    auto* model =
        command->add_option("--model", options->model, "a shipped model's name, or a *.lacuna.json file")
            ->check(not_empty());
    command->add_option("--batch", options->batch, "images to be classified together")
        ->type_name("B")
        ->capture_default_str()
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
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
    command->add_flag("--force", options->force, "replace that file where it exists")->needs(client);
    command
        ->add_flag("--compare", options->compare, "every shipped model beside the published networks instead")
        ->excludes(model)
        ->excludes(client);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna plan --model faster-cryptonets --batch 8192\n"
        "  lacuna plan --model mine.lacuna.json --packing radix --no-circuit-privacy\n"
        "  lacuna plan --model faster-cryptonets --export-client client.json\n"
        "  lacuna plan --compare");
    command->callback([options, &work] {
        if (!options->compare && options->model.empty()) {
            throw UsageError("plan: expected --model NAME|FILE or --compare, found neither");
        }
        work = [options](const std::stop_token&) { plan(*options); };
    });
}

}  // namespace lacuna
