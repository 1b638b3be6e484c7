// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <lacuna/nn/model/reference.h>
#include "tools/command.h"
#include "tools/json_output.h"
#include "tools/key_folder.h"
#include "tools/option_checks.h"
#include "tools/passphrase_prompt.h"
#include "tools/table.h"

namespace lacuna {

namespace {

struct Options {
    std::string keys;
    std::string in;
    std::string passphrase_file;
    bool json = false;
    bool csv = false;
};

struct Answer {
    std::size_t label = 0;
    mpz_class
        margin;  ///< the largest logit less the second largest; the logit itself where it is the only one
};

Answer answer_of(const std::vector<mpz_class>& logits) {
    Answer answer{argmax(logits), logits[argmax(logits)]};
    const mpz_class largest = answer.margin;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (i != answer.label) {
            const mpz_class margin = largest - logits[i];
            answer.margin =
                logits.size() > 1 && answer.margin == largest ? margin : std::min(answer.margin, margin);
        }
    }
    return answer;
}

/// A JSON integer where every reader has it exactly, else a string.
nlohmann::ordered_json integer_json(const mpz_class& value) {
    if (mpz_sizeinbase(value.get_mpz_t(), 2) <= 53) {
        return static_cast<std::int64_t>(value.get_d());  // exact
    }
    return value.get_str();
}

void print_json(const ClientPlan& plan, const std::vector<std::vector<mpz_class>>& logits) {
    nlohmann::ordered_json images = nlohmann::ordered_json::array();
    for (const auto& row : logits) {
        const Answer answer = answer_of(row);
        nlohmann::ordered_json values = nlohmann::ordered_json::array();
        for (const mpz_class& logit : row) {
            values.push_back(integer_json(logit));
        }
        images.push_back(
            {{"class", answer.label}, {"logits", values}, {"margin", integer_json(answer.margin)}});
    }
    print_json_document({{"model", plan.model}, {"scale", plan.output_scale}, {"images", images}});
}

void print_csv(const ClientPlan& plan, const std::vector<std::vector<mpz_class>>& logits) {
    std::cout << "image,class,margin";
    for (std::size_t i = 0; i < plan.classes; ++i) {
        std::cout << ",logit" << i;
    }
    std::cout << '\n';
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const Answer answer = answer_of(logits[image]);
        std::cout << image << ',' << answer.label << ',' << answer.margin;
        for (const mpz_class& logit : logits[image]) {
            std::cout << ',' << logit;
        }
        std::cout << '\n';
    }
}

void print_text(const ClientPlan& plan, const std::vector<std::vector<mpz_class>>& logits) {
    std::vector<std::string> heads = {"image", "class", "margin"};
    for (std::size_t i = 0; i < plan.classes; ++i) {
        heads.push_back("logit " + std::to_string(i));
    }
    Table table(heads);
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const Answer answer = answer_of(logits[image]);
        std::vector<std::string> cells = {std::to_string(image), std::to_string(answer.label),
                                          answer.margin.get_str()};
        for (const mpz_class& logit : logits[image]) {
            cells.push_back(logit.get_str());
        }
        table.add(std::move(cells));
    }
    std::cout << table;
}

void decrypt(const Options& options, const std::stop_token& stop) {
    const KeyFolder folder(options.keys);
    folder.complete();
    const Client client = folder.client(passphrase_source(options.passphrase_file, stop));
    Source source{std::filesystem::path(options.in)};
    const EncryptedTensor reply = load_reply(source, client.context(), client.plan(), folder.id());
    RunControl control;
    control.stop = stop;
    const auto logits = client.decrypt(reply, control);
    (options.json ? print_json : options.csv ? print_csv : print_text)(client.plan(), logits);
}

}  // namespace

void add_decrypt_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("decrypt", "client: read a reply: class, margin and logits of every image");
    command->add_option("--keys", options->keys, "the folder that `lacuna keygen` made")
        ->type_name("DIR")
        ->check(not_empty())
        ->required();
    command->add_option("--in", options->in, "the server's reply")
        ->type_name("FILE")
        ->check(not_empty())
        ->required();
    add_passphrase_file_option(*command, options->passphrase_file);
    auto* json =
        command->add_flag("--json", options->json, "one JSON object on standard output instead of text");
    command->add_flag("--csv", options->csv, "comma-separated values instead of text")->excludes(json);
    command->footer(
        "Examples:\n"
        "  lacuna decrypt --keys keys --in reply.lct\n"
        "  lacuna decrypt --keys keys --in reply.lct --csv");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { decrypt(*options, stop); }; });
}

}  // namespace lacuna
