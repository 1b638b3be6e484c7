// SPDX-License-Identifier: Apache-2.0
#include "tools/comparison.h"

#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/program/operations.h>
#include "tools/json_output.h"
#include "tools/model_files.h"
#include "tools/plan_text.h"
#include "tools/quantity.h"
#include "tools/table.h"

namespace lacuna {

namespace {

using nlohmann::ordered_json;

/// A system as its authors describe it, and what runs here beside it. Where a number is 0, or a text empty,
/// we have not read it in a source.
struct PublishedSystem {
    const char* system;
    const char* data;
    double accuracy;  ///< per cent
    double seconds;   ///< of one image
    const char* claim;
    const char* source;
    const char* model;  ///< shipped
    const char* command;
};

// What the sources say of themselves; percentages of latency are against the baselines that they chose.
const PublishedSystem systems[] = {
    {"CryptoDL-1", "MNIST", 98.52, 148.9, "BGV", "arXiv 1811.09953", "cryptodl-1",
     "lacuna demo mnist --model cryptodl-1 --packing packed --images 1"},
    {"CryptoDL-2", "MNIST", 99.52, 320, "BGV", "arXiv 1811.09953", "cryptodl-2",
     "lacuna demo mnist --model cryptodl-2 --packing packed --images 1"},
    {"LoLa", "MNIST", 98.95, 2.2, "8 virtual cores", "Brutzkus et al., ICML 2019", "lola",
     "lacuna demo mnist --model lola --packing packed --images 1"},
    {"LoLa", "CIFAR-10", 76.31, 750, "8 virtual cores", "Brutzkus et al., ICML 2019", "cifar10",
     "lacuna demo cifar10 --packing packed --images 1"},
    {"SHE", "MNIST", 99.54, 9.3, "TFHE: ReLU and max pools", "Lou and Jiang, NeurIPS 2019, arXiv 1906.00148",
     "faster-cryptonets-packed",
     "lacuna demo mnist --model faster-cryptonets-packed --packing packed --images 1"},
    {"SpENCNN, LeNet", "MNIST", 98.69, 0, "8.37 times as fast as its dense network",
     "Ran et al., ICML 2023, abstract; accuracy: its repository", "faster-cryptonets-packed",
     "lacuna demo mnist --model faster-cryptonets-packed --packing packed --images 1"},
    {"SpENCNN, VGG-5", "CIFAR-10", 0, 0, "12.11 times as fast as its dense network",
     "Ran et al., ICML 2023, abstract", "cifar10", "lacuna demo cifar10 --packing packed --images 1"},
    {"SpENCNN, HEFNet", "CIFAR-10", 0, 0, "19.26 times as fast as its dense network",
     "Ran et al., ICML 2023, abstract", "cifar10", "lacuna demo cifar10 --packing packed --images 1"},
    {"HE-PEx", "", 0, 0, "10 to 35 % faster, 33 to 65 % fewer ciphertexts, within 2.5 % of accuracy",
     "arXiv 2207.03384v2, abstract", "faster-cryptonets-packed",
     "tools/train/autoencoder.py; lacuna plan --model faster-cryptonets-packed --packing packed"},
    {"Falcon", "MNIST, CIFAR-10", 0, 0, "45.45 to 85.34 % less latency, by block-circulant layers",
     "Lou et al., NeurIPS 2020, abstract", "cifar10", "lacuna plan --model cifar10 --packing packed"},
    {"HEMET", "", 0, 0, "59.3 to 61.2 % less latency, 0.4 to 0.5 % more accuracy",
     "Lou and Jiang, ICML 2021, arXiv 2106.00038, abstract", "cifar10",
     "lacuna plan --model cifar10 --packing packed"},
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

/// The accuracy on the test set that a model's provenance names, a fraction.
std::optional<double> stated_accuracy(const Model& model) {
    const auto provenance = nlohmann::json::parse(model.provenance);
    for (const char* field : {"test_accuracy", "accuracy"}) {
        if (provenance.is_object() && provenance.contains(field) && provenance[field].is_number()) {
            return provenance[field].get<double>();
        }
    }
    return std::nullopt;
}

/// The name of a model that was made for other data than MNIST says for which.
std::string name_and_data(const Model& model) {
    const auto provenance = nlohmann::json::parse(model.provenance);
    return provenance.is_object() && provenance.contains("data") && provenance["data"].is_string()
               ? model.name + " (" + provenance["data"].get<std::string>() + ")"
               : model.name;
}

/// The seed table with the shipped models, as text and as JSON.
struct Counted {
    Table table;
    ordered_json rows = ordered_json::array();

    void add(const std::string& name, bool shipped, const OperationCounts& counts,
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
    }
};

Counted count_networks(const std::stop_token& stop) {
    std::vector<std::string> heads = operation_heads("network");
    heads.insert(heads.end(), {"accuracy", "range"});
    Counted counted{Table(std::move(heads))};
    for (const PublishedRow& row : published) {
        counted.add(std::string(row.method) + " (published)", false, row.counts,
                    row.accuracy / published_scale, 0);
    }
    for (const std::string& name : shipped_models()) {
        const Model model = find_model(name, stop);
        const ExpandedModel expanded(model, stop);
        // A sign and the magnitude: what t must tell apart.
        const std::size_t bits = mpz_sizeinbase(slot_ranges(expanded).largest_logit().get_mpz_t(), 2) + 1;
        counted.add(name_and_data(model), true, count_operations(expanded).total(), stated_accuracy(model),
                    bits);
    }
    return counted;
}

/// An empty cell where nothing is known.
std::string known(double value, int decimals, const char* unit) {
    return value == 0 ? "" : decimal_text(value, decimals) + unit;
}

ordered_json systems_json() {
    auto list = ordered_json::array();
    for (const PublishedSystem& one : systems) {
        const std::optional<double> here = stated_accuracy(find_model(one.model));
        ordered_json row = {{"system", one.system}, {"data", one.data}};
        row["accuracy"] = one.accuracy == 0 ? ordered_json() : ordered_json(one.accuracy / published_scale);
        row["seconds"] = one.seconds == 0 ? ordered_json() : ordered_json(one.seconds);
        row["claim"] = one.claim;
        row["source"] = one.source;
        row["here"] = {{"model", one.model}, {"command", one.command}};
        row["here"]["accuracy"] = here ? ordered_json(*here) : ordered_json();
        list.push_back(std::move(row));
    }
    return list;
}

void print_systems() {
    Table table({"system", "data", "accuracy", "one image", "here", "accuracy", "what it says, where"}, true);
    Table commands({"beside", "command"}, true);
    for (const PublishedSystem& one : systems) {
        const std::optional<double> here = stated_accuracy(find_model(one.model));
        table.add({one.system, one.data, known(one.accuracy, 2, " %"), known(one.seconds, 1, " s"), one.model,
                   here ? decimal_text(*here * 100, 2) + " %" : "",
                   std::string(one.claim) + "; " + one.source});
        commands.add({std::string(one.system) + (*one.data == '\0' ? "" : ", ") + one.data, one.command});
    }
    std::cout << "\nOther systems, as published (empty: not read in a source), and the model here that comes "
                 "closest:\n\n"
              << table << "\nWhat runs here, timed on this machine:\n\n"
              << commands;
}

}  // namespace

void print_comparison(bool json, const std::stop_token& stop) {
    const Counted counted = count_networks(stop);
    if (json) {
        print_json_document({{"networks", counted.rows}, {"systems", systems_json()}});
        return;
    }
    std::cout << counted.table
              << "\nHomomorphic operations of one inference, one ciphertext an element, one plaintext "
                 "modulus. Rows without a data set: MNIST; published rows: arXiv 1811.09953.\nRange: bits, "
                 "sign included, that hold every logit of every image in the slot packing.\n";
    print_systems();
}

}  // namespace lacuna
