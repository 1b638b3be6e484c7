// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/digest.h>
#include "tools/command.h"
#include "tools/data_set.h"
#include "tools/json_output.h"
#include "tools/key_folder.h"
#include "tools/option_checks.h"
#include "tools/passphrase_prompt.h"
#include "tools/pictures.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

struct Options {
    std::string keys;
    std::vector<std::string> images;
    DataOptions data;
    std::string out;
    std::string passphrase_file;
    bool with_public_key = false;
    int threads = 1;
    bool force = false;
    bool json = false;
};

std::vector<std::uint8_t> read_all(const std::vector<std::string>& files, const ClientPlan& plan) {
    std::vector<std::uint8_t> pixels;
    const std::size_t size = plan.input_shape.size();
    for (const std::string& file : files) {
        const std::size_t room = plan.batch - pixels.size() / size;
        const std::vector<std::uint8_t> more =
            room == 0 ? std::vector<std::uint8_t>() : read_pictures(file, plan.input_shape, room);
        if (room == 0 || more.size() > room * size) {
            throw Error(file + ": expected at most " + std::to_string(plan.batch) +
                        " images in one upload, found more; split them into several uploads");
        }
        pixels.insert(pixels.end(), more.begin(), more.end());
    }
    return pixels;
}

/// The inputs that the options name, as pixels: numbers by the ranges in the client's half of the plan.
std::vector<std::uint8_t> read_inputs(const Options& options, const ClientPlan& plan,
                                      const std::stop_token& stop) {
    if (!options.data.given()) {
        return read_all(options.images, plan);
    }
    DataSet data = options.data.read(plan.input_shape, plan.features, stop);
    if (data.count > plan.batch) {
        throw Error(options.data.paths.front() + ": expected at most " + std::to_string(plan.batch) +
                    " inputs in one upload, found " + std::to_string(data.count) +
                    "; take parts with --first and --count");
    }
    return std::move(data.pixels);
}

void encrypt(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    const KeyFolder folder(options.keys);
    folder.complete();
    const ClientPlan plan = folder.plan();
    const std::vector<std::uint8_t> pixels = read_inputs(options, plan, stop);
    // Not even opened where the public key does.
    const std::optional<Client> client =
        options.with_public_key
            ? std::nullopt
            : std::optional<Client>(folder.client(passphrase_source(options.passphrase_file, stop)));
    const Context context(plan.parameters);
    const KeySetId id = folder.upload_id(plan, context.ring());
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    constexpr double encrypting = 0;
    constexpr double writing = 1;
    ProgressLine progress("encrypt", 2);
    control.progress = progress.part(encrypting);
    // Opened first: whatever keeps it from being written is found before the work.
    OutputFile file(options.out, Access::everyone, options.force ? Overwrite::allow : Overwrite::refuse);
    const Upload upload =
        client ? Upload(client->encrypt(pixels, control))
               : encrypt_public(plan, context, folder.public_key(plan, context.ring()), pixels, control);
    control.progress = progress.part(writing);
    save_upload(file.stream(), context.ring(), plan, id, upload, control);
    file.commit();
    const std::size_t images = pixels.size() / plan.input_shape.size();
    const std::uint64_t bytes = file.bytes();
    if (options.json) {
        print_json_document({{"file", options.out},
                             {"model", plan.model},
                             {"key_set", format_hash(id)},
                             {"images", images},
                             {"bytes", bytes}});
        return;
    }
    std::cout << count_text(images) << (images == 1 ? " image" : " images") << " for model "
              << terminal_text(plan.model) << " in " << terminal_text(options.out) << " ("
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
    command
        ->add_option(
            "--images", options->images,
            "PNG, PGM, IDX or CSV files (CSV: an image a line, its pixels as integers 0 ... 255 separated by "
            "commas, row by row, no header), bright strokes on dark ground like MNIST's")
        ->type_name("FILE...")
        ->check(not_empty());
    options->data.add_to(*command)->excludes(command->get_option("--images"));
    command->add_option("--out", options->out, "the upload, for the server")
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
        if (options->images.empty() && !options->data.given()) {
            throw UsageError("expected --images or --data, found neither");
        }
        work = [options](const std::stop_token& stop) { encrypt(*options, stop); };
    });
}

}  // namespace lacuna
