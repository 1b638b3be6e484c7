// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/answers.h"
#include "tools/command.h"
#include "tools/key_folder.h"
#include "tools/option_checks.h"
#include "tools/passphrase_prompt.h"

namespace lacuna {

namespace {

struct Options {
    std::string keys;
    std::vector<std::string> in;
    std::string passphrase_file;
    bool json = false;
    bool csv = false;
    bool probabilities = false;
};

void decrypt(const Options& options, const std::stop_token& stop) {
    const KeyFolder folder(options.keys);
    folder.complete();
    const Client client = folder.client(passphrase_source(options.passphrase_file, stop));
    const KeySetId id = folder.id();
    RunControl control;
    control.stop = stop;
    Logits logits;
    for (const std::string& file : options.in) {
        Source source{std::filesystem::path(file)};
        do {  // a file answers as many uploads as were in its upload's
            const EncryptedTensor reply = load_next_reply(source, client.context(), client.plan(), id);
            for (auto& row : client.decrypt(reply, control)) {
                logits.push_back(std::move(row));
            }
        } while (!source.at_end());
    }
    print_answers(client.plan(), logits,
                  options.json  ? AnswerForm::json
                  : options.csv ? AnswerForm::csv
                                : AnswerForm::text,
                  options.probabilities ? Probabilities::show : Probabilities::omit);
}

}  // namespace

void add_decrypt_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("decrypt", "client: read replies: class, margin and logits of every image");
    command->add_option("--keys", options->keys, "the folder that `lacuna keygen` made")
        ->type_name("DIR")
        ->check(not_empty())
        ->required();
    command
        ->add_option("--in", options->in,
                     "the server's reply; several are joined into one answer in this order")
        ->type_name("FILE...")
        ->check(not_empty())
        ->required();
    add_passphrase_file_option(*command, options->passphrase_file);
    auto* json =
        command->add_flag("--json", options->json, "one JSON object on standard output instead of text");
    command->add_flag("--csv", options->csv, "comma-separated values instead of text")->excludes(json);
    command->add_flag("--probabilities", options->probabilities,
                      "the softmax of the scaled logits too, a column a class");
    command->footer(
        "Examples:\n"
        "  lacuna decrypt --keys keys --in reply.lct\n"
        "  lacuna decrypt --keys keys --in reply.lct --csv\n"
        "  lacuna decrypt --keys keys --in replies/*.lct --probabilities");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { decrypt(*options, stop); }; });
}

}  // namespace lacuna
