// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <span>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/digest.h>
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

struct Options {
    std::string keys;
    ImageOptions images;
    std::string out;
    std::string passphrase_file;
    bool with_public_key = false;
    int threads = 1;
    bool force = false;
    bool json = false;
};

void encrypt(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    const KeyFolder folder(options.keys);
    folder.complete();
    const ClientPlan plan = folder.plan();
    const std::vector<std::uint8_t> pixels = options.images.read(plan, stop);
    // Not even opened where the public key does.
    const std::optional<Client> client =
        options.with_public_key
            ? std::nullopt
            : std::optional<Client>(folder.client(passphrase_source(options.passphrase_file, stop)));
    const Context context(plan.parameters);
    const std::optional<PublicKey> public_key =
        client ? std::nullopt : std::optional<PublicKey>(folder.public_key(plan, context.ring()));
    const KeySetId id = folder.upload_id(plan, context.ring());
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    const std::size_t images = pixels.size() / plan.input_shape.size();
    const std::size_t uploads = (images + plan.batch - 1) / plan.batch;
    ProgressLine progress("encrypt", 2 * static_cast<double>(uploads));
    // Opened first: whatever keeps it from being written is found before the work.
    OutputFile file(options.out, Access::everyone, options.force ? Overwrite::allow : Overwrite::refuse);
    const std::size_t most = plan.batch * plan.input_shape.size();
    for (std::size_t u = 0; u < uploads; ++u) {  // one after the other in the same file
        const auto own = std::span(pixels).subspan(u * most, std::min(most, pixels.size() - u * most));
        control.progress = progress.part(2 * static_cast<double>(u));
        const Upload upload = client ? Upload(client->encrypt(own, control))
                                     : Upload(encrypt_public(plan, context, *public_key, own, control));
        control.progress = progress.part(2 * static_cast<double>(u) + 1);
        save_upload(file.stream(), context.ring(), plan, id, upload, control);
    }
    file.commit();
    const std::uint64_t bytes = file.bytes();
    if (options.json) {
        print_json_document({{"file", options.out},
                             {"model", plan.model},
                             {"key_set", format_hash(id)},
                             {"images", images},
                             {"uploads", uploads},
                             {"bytes", bytes}});
        return;
    }
    std::cout << count_text(images) << (images == 1 ? " image" : " images") << " for model "
              << terminal_text(plan.model) << " in " << terminal_text(options.out) << " ("
              << (uploads == 1 ? "" : count_text(uploads) + " uploads, ")
              << bytes_text(static_cast<double>(bytes)) << ")\n";
}

}  // namespace

void add_encrypt_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("encrypt", "client: encrypt images into an upload");
    command->add_option("--keys", options->keys, "the folder that `lacuna keygen` made")
        ->type_name("DIR")
        ->check(not_empty())
        ->required();
    options->images.add_to(
        *command,
        "PNG, PGM, IDX or CSV files (CSV: an image a line, its pixels as integers 0 ... 255 separated by "
        "commas, row by row, no header), bright strokes on dark ground like MNIST's");
    command
        ->add_option("--out", options->out,
                     "the upload, for the server; more images than the plan holds are several uploads, one "
                     "after the other in this file")
        ->type_name("FILE")
        ->check(not_empty())
        ->required();
    command->add_flag(
        "--public", options->with_public_key,
        "encrypt with the public key: larger, needs no secret.key but a plan with --public-encryption");
    command->add_flag("--force", options->force, "replace that file where it exists");
    add_passphrase_file_option(*command, options->passphrase_file);
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna encrypt --keys keys --images seven.png three.png --out upload.lct\n"
        "  lacuna encrypt --keys keys --images t10k-images-idx3-ubyte.gz --out upload.lct\n"
        "  lacuna encrypt --keys keys --data rows.csv --count 100 --out upload.lct\n\n"
        "Numbers that are no pixels are quantised by the client's half of the plan.");
    command->callback([options, &work] {
        if (!options->images.given()) {
            throw UsageError("expected --images or --data, found neither");
        }
        work = [options](const std::stop_token& stop) { encrypt(*options, stop); };
    });
}

}  // namespace lacuna
