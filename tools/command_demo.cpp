// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/reply.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/server/session.h>
#include "tools/answers.h"
#include "tools/command.h"
#include "tools/contact_sheet.h"
#include "tools/data_set.h"
#include "tools/demo_set.h"
#include "tools/drawing.h"
#include "tools/idx.h"
#include "tools/json_output.h"
#include "tools/kept_plan.h"
#include "tools/model_files.h"
#include "tools/option_checks.h"
#include "tools/peak_memory.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_picture.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

constexpr std::size_t listed_classes = 3;
constexpr std::size_t sheet_pictures = 100;

struct Options {
    std::string set = "mnist";
    std::string folder;
    DataOptions data;
    std::string model;       // empty: the set's
    std::size_t images = 0;  // 0: the default
    PlanOptions plan;
    std::string plan_file;
    ColourChoice colour = ColourChoice::automatic;
    std::string sheet;
    int threads = 1;
    bool json = false;
};

/// Labelled inputs.
struct DemoImages {
    Shape shape;
    std::size_t count = 0;
    std::vector<std::uint8_t> all_pixels;
    std::vector<std::size_t> labels;
    std::vector<std::string> class_names;  ///< none: classes are numbers
    std::string folder;
    std::string source;  ///< "shipped", "data" or the data set's name
    bool shipped = false;

    [[nodiscard]] std::string name_of(std::size_t label) const {
        return label < class_names.size() ? class_names[label] : std::to_string(label);
    }

    [[nodiscard]] std::span<const std::uint8_t> pixels(std::size_t first, std::size_t images) const {
        return std::span(all_pixels).subspan(first * shape.size(), images * shape.size());
    }
};

/// What a run has measured.
struct Outcome {
    Logits logits;
    double keygen = 0;  // seconds
    double setup = 0;   // of the server: the model compiled, memory set aside
    double encrypt = 0;
    double infer = 0;
    double decrypt = 0;
    std::uint64_t key_bytes = 0;
    std::uint64_t upload_bytes = 0;
    std::uint64_t download_bytes = 0;
    double output_budget = 0;
    double reply_budget = 0;
};

struct Score {
    std::size_t correct = 0;
    std::size_t matches = 0;
};

/// Adds the time of a scope to a sum of seconds.
class Stopwatch {
  public:
    explicit Stopwatch(double& seconds) : seconds_(&seconds), start_(std::chrono::steady_clock::now()) {}
    ~Stopwatch() {
        *seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;

  private:
    double* seconds_;
    std::chrono::steady_clock::time_point start_;
};

DemoImages find_digits(const std::string& option) {
    const auto folder =
        find_mnist(option.empty() ? std::nullopt : std::optional<std::filesystem::path>(option));
    DemoImages inputs;
    inputs.shipped = !folder.has_value();
    inputs.source = inputs.shipped ? "shipped" : "mnist";
    inputs.folder = folder.value_or(data_folder() / "digits").string();
    LabelledImages labelled = read_digits(inputs.folder);
    inputs.shape = {1, labelled.images.rows, labelled.images.columns};
    inputs.count = labelled.images.count;
    inputs.all_pixels = std::move(labelled.images.pixels);
    inputs.labels.assign(labelled.labels.begin(), labelled.labels.end());
    return inputs;
}

/// Other data than digits, as the model takes them.
DemoImages read_data(const DataOptions& options, const Model& model, const std::stop_token& stop) {
    DataSet data = options.read(model.input_shape, model.features, stop);
    if (data.labels.empty()) {
        throw Error(
            options.paths.front() +
            ": expected inputs with labels, found inputs alone; give labels, or use `lacuna encrypt`");
    }
    DemoImages inputs;
    inputs.source = "data";
    inputs.shape = model.input_shape;
    inputs.count = data.count;
    inputs.all_pixels = std::move(data.pixels);
    inputs.labels = std::move(data.labels);
    inputs.class_names = std::move(data.class_names);
    inputs.folder = std::move(data.title);
    return inputs;
}

/// The images that the options name. folder: of a set other than MNIST.
DemoImages read_images(const Options& options, const DemoSet& set, const std::filesystem::path& folder,
                       const Model& model, const std::stop_token& stop) {
    if (options.data.given()) {
        return read_data(options.data, model, stop);
    }
    if (set.name == "mnist") {
        return find_digits(options.folder);
    }
    DataOptions test;
    test.paths = {folder.string()};
    DemoImages inputs = read_data(test, model, stop);
    inputs.source = set.name;
    inputs.folder = test.paths.front();
    inputs.class_names.assign(set.class_names.begin(), set.class_names.end());
    return inputs;
}

void check_fit(const Model& model, const DemoImages& inputs) {
    if (model.input_shape != inputs.shape) {
        throw Error("model '" + model.name + "': expected an input of 1 x " +
                    std::to_string(inputs.shape.height) + " x " + std::to_string(inputs.shape.width) +
                    " as the images in " + inputs.folder + " are, found " +
                    std::to_string(model.input_shape.channels) + " x " +
                    std::to_string(model.input_shape.height) + " x " +
                    std::to_string(model.input_shape.width) + "; give a model for these images");
    }
    for (std::size_t i = 0; i < inputs.labels.size(); ++i) {
        if (inputs.labels[i] >= model.classes()) {
            throw Error(inputs.folder + ": expected labels below the " + std::to_string(model.classes()) +
                        " classes of model '" + model.name + "', found " + std::to_string(inputs.labels[i]) +
                        " for image " + std::to_string(i));
        }
    }
}

std::size_t number_of_images(const Options& options, const DemoSet& set, const DemoImages& inputs) {
    const std::size_t available = inputs.count;
    if (options.images > available) {
        throw Error("--images: expected at most the " + std::to_string(available) + " images in " +
                    inputs.folder + ", found " + std::to_string(options.images) +
                    (inputs.shipped ? "; give the MNIST test set with --mnist for more" : ""));
    }
    if (options.images != 0) {
        return options.images;
    }
    const bool one = options.plan.packing == packing_name(Packing::radix) ||
                     options.plan.packing == packing_name(Packing::packed);
    return one ? 1 : std::min(available, set.images);
}

Outcome classify(const Model& model, const Plan& plan, const DemoImages& inputs, std::size_t images,
                 const RunControl& control) {
    Outcome outcome;
    std::optional<Client> client;
    std::optional<Session> session;
    {
        EvaluationKeys keys;
        {
            const Stopwatch watch(outcome.keygen);
            client.emplace(plan.client);
            keys = client->evaluation_keys(control.threads);
        }
        outcome.key_bytes = evaluation_keys_bytes(client->context().ring(), keys);
        const Stopwatch watch(outcome.setup);
        session.emplace(model, plan, std::move(keys));
        session->reserve(control);
    }
    control.check();

    // What the last switch to fewer limbs starts from, kept from the first request and measured afterwards.
    const std::vector<PlanStep>& steps = plan.steps;
    std::size_t last = steps.size();
    while (last > 1 && steps[last - 1].kind == PlanStep::Kind::mod_switch) {
        --last;
    }
    EncryptedTensor output;
    const std::size_t batches = (images + plan.client.batch - 1) / plan.client.batch;
    ProgressLine encrypting("encrypt", static_cast<double>(batches));
    ProgressLine inferring("infer", static_cast<double>(batches));
    outcome.reply_budget = std::numeric_limits<double>::infinity();
    for (std::size_t batch = 0; batch < batches; ++batch) {
        const std::size_t first = batch * plan.client.batch;
        const std::size_t count = std::min(plan.client.batch, images - first);
        RunControl stage = control;
        SeededTensor upload;
        {
            const Stopwatch watch(outcome.encrypt);
            stage.progress = encrypting.part(static_cast<double>(batch));
            upload = client->encrypt(inputs.pixels(first, count), stage);
        }
        for (const auto& residues : upload.residues) {
            outcome.upload_bytes += residues.size() * seeded_ciphertext_bytes(client->context().ring(),
                                                                              residues.front().c0.limbs());
        }
        const auto observe = [&](const PlanStep& step, const std::vector<Ciphertext>& values) {
            if (batch == 0 && &step - session->plan().steps.data() == static_cast<std::ptrdiff_t>(last) - 1) {
                output.residues.push_back(values);
            }
        };
        EncryptedTensor reply;
        {
            const Stopwatch watch(outcome.infer);
            stage.progress = inferring.part(static_cast<double>(batch));
            reply = session->infer(std::move(upload), stage, observe);
        }
        outcome.reply_budget = std::min(outcome.reply_budget, client->noise_budget(reply));
        outcome.download_bytes += shorten_reply(client->context().ring(), plan.client, reply);
        const Stopwatch watch(outcome.decrypt);
        stage.progress = {};
        for (auto& logits : client->decrypt(reply, stage)) {
            outcome.logits.push_back(std::move(logits));
        }
    }
    outcome.output_budget = client->noise_budget(output);
    return outcome;
}

Score judge(const Logits& logits, const Logits& expected, std::span<const std::size_t> labels) {
    Score score;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        score.correct += argmax(logits[i]) == labels[i] ? 1 : 0;
        score.matches += logits[i] == expected[i] ? 1 : 0;
    }
    return score;
}

nlohmann::ordered_json binomials_json(const Parameters& parameters) {
    auto list = nlohmann::ordered_json::array();
    for (const PlainModulus& t : parameters.plain_polynomials) {
        list.push_back({{"power", t.power()}, {"base", t.base()}});
    }
    return list;
}

/// The likeliest classes of an image, best first; margin: what a class's logit, scaled, is short of the best.
nlohmann::ordered_json top_json(const Plan& plan, const Outcome& outcome, const DemoImages& inputs,
                                std::size_t image) {
    auto classes = nlohmann::ordered_json::array();
    for (const RankedClass& one :
         ranked_classes(outcome.logits[image], plan.client.output_scale, listed_classes)) {
        classes.push_back(
            {{"class", one.index}, {"name", inputs.name_of(one.index)}, {"margin", one.margin}});
    }
    return {{"image", image},
            {"label", inputs.labels[image]},
            {"name", inputs.name_of(inputs.labels[image])},
            {"classes", classes}};
}

void print_json(const Plan& plan, const Outcome& outcome, const Score& score, const DemoImages& inputs,
                int threads) {
    const auto images = static_cast<double>(outcome.logits.size());
    const OperationCounts hops = plan.operations.total();
    auto top = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < pictures_shown(inputs.shape.width, outcome.logits.size()); ++i) {
        top.push_back(top_json(plan, outcome, inputs, i));
    }
    const nlohmann::ordered_json document = {
        {"model", plan.client.model},
        {"digits", inputs.source},
        {"images", outcome.logits.size()},
        {"correct", score.correct},
        {"accuracy", static_cast<double>(score.correct) / images},
        {"matches_reference", score.matches},
        {"packing", packing_name(plan.client.packing)},
        {"kernel", std::string(active_kernels().name)},
        {"threads", threads},
        {"privacy_bits", plan.client.privacy_bits},
        {"params",
         {{"n", plan.client.parameters.n},
          {"log_q", plan.log_q()},
          {"log_qp", plan.log_qp()},
          {"plain_moduli", plan.client.parameters.plain_moduli},
          {"plain_polynomials", binomials_json(plan.client.parameters)}}},
        {"seconds",
         {{"keygen", outcome.keygen},
          {"setup", outcome.setup},
          {"encrypt", outcome.encrypt},
          {"infer", outcome.infer},
          {"decrypt", outcome.decrypt}}},
        {"images_per_second", images / outcome.infer},
        {"bytes",
         {{"evaluation_keys", outcome.key_bytes},
          {"upload", outcome.upload_bytes},
          {"download", outcome.download_bytes}}},
        {"peak_memory_bytes", peak_memory_bytes()},
        {"hops",
         {{"pt_ct_adds", hops.pt_ct_adds},
          {"ct_ct_adds", hops.ct_ct_adds},
          {"pt_ct_mults", hops.pt_ct_mults},
          {"ct_ct_mults", hops.ct_ct_mults},
          {"total", hops.total()},
          {"moduli", plan.moduli()}}},
        {"min_noise_budget_bits", {{"output", outcome.output_budget}, {"reply", outcome.reply_budget}}},
        {"predicted_noise_budget_bits",
         {{"output", plan.output_budget_bits}, {"reply", plan.reply_budget_bits}}},
        {"top", std::move(top)},
    };
    print_json_document(document);
}

void print_pictures(const DemoImages& inputs, const Logits& logits, bool colour) {
    constexpr std::size_t widest = 32;
    const bool in_colour = inputs.shape.channels == 3;
    if ((inputs.shape.channels != 1 && !in_colour) || inputs.shape.width > widest ||
        inputs.shape.height < 2) {
        return;
    }
    std::vector<CaptionedPicture> shown;
    for (std::size_t i = 0; i < pictures_shown(inputs.shape.width, logits.size()); ++i) {
        shown.push_back(terminal_picture(inputs.pixels(i, 1), inputs.shape, in_colour && colour));
        shown.back().caption =
            "label " + inputs.name_of(inputs.labels[i]) + ", answer " + inputs.name_of(argmax(logits[i]));
    }
    std::cout << '\n' << side_by_side(shown) << '\n';
}

/// The likeliest classes of the images that are drawn.
void print_top(const Plan& plan, const Logits& logits, const DemoImages& inputs) {
    Table table({"image", "label", "answer", "second", "third"});
    for (std::size_t i = 0; i < pictures_shown(inputs.shape.width, logits.size()); ++i) {
        std::vector<std::string> cells = {std::to_string(i), inputs.name_of(inputs.labels[i])};
        for (const RankedClass& one : ranked_classes(logits[i], plan.client.output_scale, listed_classes)) {
            cells.push_back(inputs.name_of(one.index) +
                            (cells.size() == 2 ? "" : " (-" + decimal_text(one.margin, 2) + ")"));
        }
        cells.resize(2 + listed_classes);
        table.add(std::move(cells));
    }
    std::cout << table
              << "  (in brackets: how far its logit, times the model's scale, is below the answer's)\n\n";
}

/// The first pictures with their likeliest classes, as a file.
void draw_sheet(const std::string& file, const Plan& plan, const Logits& logits, const DemoImages& inputs) {
    ContactSheet sheet;
    sheet.title = plan.client.model + ", under encryption";
    sheet.shape = inputs.shape;
    for (std::size_t i = 0; i < std::min(sheet_pictures, logits.size()); ++i) {
        SheetPicture& picture = sheet.pictures.emplace_back();
        picture.pixels = inputs.pixels(i, 1);
        picture.right = argmax(logits[i]) == inputs.labels[i];
        picture.lines.push_back("label " + inputs.name_of(inputs.labels[i]));
        for (const RankedClass& one : ranked_classes(logits[i], plan.client.output_scale, listed_classes)) {
            picture.lines.push_back(inputs.name_of(one.index) + "  -" + decimal_text(one.margin, 2));
        }
    }
    draw_contact_sheet(file, sheet);
}

void print_text(const Plan& plan, const Outcome& outcome, const Score& score, const DemoImages& inputs,
                const Options& options) {
    const std::size_t images = outcome.logits.size();
    const auto count = static_cast<double>(images);
    std::cout << (inputs.shipped
                      ? "Sample digits that this project drew itself; for the real test set see the end."
                      : (inputs.source == "data"
                             ? "The data "
                             : "The " + std::string(find_demo_set(inputs.source).title) + " test set in ") +
                            terminal_text(inputs.folder) + ".")
              << '\n';
    print_pictures(inputs, outcome.logits, colours_wanted(options.colour));
    print_top(plan, outcome.logits, inputs);
    std::cout << "  accuracy   " << decimal_text(100 * static_cast<double>(score.correct) / count, 2)
              << " % (" << count_text(score.correct) << " of " << count_text(images) << ")\n"
              << "  agreement  " << count_text(score.matches) << " of " << count_text(images)
              << " images: every logit equals the plaintext network's\n\n";
    Table stages({"stage", "time", "bytes"});
    stages.add(
        {"key generation", seconds_text(outcome.keygen), bytes_text(static_cast<double>(outcome.key_bytes))});
    stages.add(
        {"encryption", seconds_text(outcome.encrypt), bytes_text(static_cast<double>(outcome.upload_bytes))});
    stages.add({"server set-up", seconds_text(outcome.setup), ""});
    stages.add({"inference", seconds_text(outcome.infer), ""});
    stages.add({"decryption", seconds_text(outcome.decrypt),
                bytes_text(static_cast<double>(outcome.download_bytes))});
    std::cout << stages << "  (" << decimal_text(count / outcome.infer, 1) << " images a second on "
              << options.threads << (options.threads == 1 ? " thread, kernel " : " threads, kernel ")
              << active_kernels().name << "; peak memory "
              << bytes_text(static_cast<double>(peak_memory_bytes())) << ")\n\n";
    std::cout << "  model      " << plan.client.model << ", " << packing_name(plan.client.packing)
              << " packing, up to " << count_text(plan.client.batch)
              << (plan.client.batch == 1 ? " image" : " images") << " a request\n"
              << "  parameters n = " << plan.client.parameters.n
              << ", log2 Q = " << decimal_text(plan.log_q(), 1)
              << ", log2 QP = " << decimal_text(plan.log_qp(), 1) << ", " << plan.client.parameters.security
              << " bits of security, t =";
    for (const PlainModulus& t : plan.client.plain_moduli()) {
        std::cout << ' ' << to_string(t);
    }
    const OperationCounts hops = plan.operations.total();
    std::cout << "\n  privacy    "
              << (plan.client.privacy_bits > 0
                      ? "the reply says nothing of the model but the answer, to within 2^-" +
                            std::to_string(plan.client.privacy_bits)
                      : std::string("of the client only: no circuit privacy"))
              << "\n  noise      " << decimal_text(outcome.output_budget, 2)
              << " bits of budget left at the output (proven: " << decimal_text(plan.output_budget_bits, 2)
              << "), " << decimal_text(outcome.reply_budget, 2)
              << " at the reply (proven: " << decimal_text(plan.reply_budget_bits, 2) << ")\n"
              << "  operations " << count_text(hops.pt_ct_adds) << " PT-CT adds, "
              << count_text(hops.ct_ct_adds) << " CT-CT adds, " << count_text(hops.pt_ct_mults)
              << " PT-CT mults, " << count_text(hops.ct_ct_mults) << " CT-CT mults; "
              << count_text(hops.total()) << " in all for each of " << plan.moduli()
              << (plan.moduli() == 1 ? " modulus\n" : " moduli\n");
    if (inputs.shipped) {
        std::cout << "\nFor the real test set, download t10k-images-idx3-ubyte.gz and "
                     "t10k-labels-idx1-ubyte.gz of MNIST\n"
                     "(http://yann.lecun.com/exdb/mnist, or one of its many mirrors) into data/mnist, or "
                     "name their\n"
                     "folder with --mnist DIR or LACUNA_MNIST.\n";
    }
}

void demo(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    if (!options.sheet.empty()) {
        check_drawing_file(options.sheet);
    }
    const DemoSet& set = find_demo_set(options.set);
    const bool elsewhere = options.data.given() || set.name == "mnist";
    const std::filesystem::path folder =
        elsewhere ? std::filesystem::path() : demo_folder(set, options.folder);
    const Model model = find_model(options.model.empty() ? std::string(set.model) : options.model);
    const DemoImages inputs = read_images(options, set, folder, model, stop);
    check_fit(model, inputs);
    const std::size_t images = number_of_images(options, set, inputs);
    const PlanRequest request = options.plan.request(images);
    const Plan plan = options.plan_file.empty() ? make_plan(model, request, stop)
                                                : kept_plan(options.plan_file, model, request, stop);
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    const Outcome outcome = classify(model, plan, inputs, images, control);
    const Logits expected = Reference(model).batch_logits(inputs.pixels(0, images), options.threads);
    const Score score = judge(outcome.logits, expected, inputs.labels);
    if (options.json) {
        print_json(plan, outcome, score, inputs, options.threads);
    } else {
        print_text(plan, outcome, score, inputs, options);
    }
    if (!options.sheet.empty()) {
        draw_sheet(options.sheet, plan, outcome.logits, inputs);
    }
    if (score.matches != images) {
        throw Error("demo: " + std::to_string(images - score.matches) + " of " + std::to_string(images) +
                    " results differ from the plaintext network's; this is a defect of the library, please "
                    "report it");
    }
}

/// The options of both commands; `folder` names the one for the data set's folder.
void add_options(CLI::App& command, Work& work, const std::shared_ptr<Options>& options,
                 const std::string& folder, const std::string& folder_help) {
    command.add_option(folder, options->folder, folder_help)->type_name("DIR")->check(not_empty());
    options->data.add_to(command)->excludes(command.get_option(folder));
    command
        .add_option("--model", options->model,
                    "a shipped model's name, or a *.lacuna.json file (default: the data set's: " +
                        demo_models() + ")")
        ->check(not_empty());
    command
        .add_option(
            "--images", options->images,
            "how many images, from the first on (default: all up to 8192; radix, packed and cifar10: 1)")
        ->type_name("N")
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    options->plan.add_to(command);
    command
        .add_option(
            "--plan", options->plan_file,
            "take the plan from this file, as `lacuna plan --out` writes it; where there is none, plan "
            "and keep the plan there for the next time")
        ->type_name("FILE")
        ->check(not_empty());
    command
        .add_option(
            "--colour", options->colour,
            "draw colour pictures with coloured blocks: auto (where standard output is a terminal that says "
            "that it can), always, never")
        ->transform(CLI::Transformer(colour_choices()).description(""))
        ->type_name("WHEN")
        ->default_str("auto");
    command
        .add_option("--sheet", options->sheet,
                    "also draw the first 100 images with their likeliest classes into this .png or .svg file")
        ->type_name("FILE")
        ->check(not_empty());
    add_threads_option(command, options->threads);
    add_json_option(command, options->json);
    command.callback(
        [options, &work] { work = [options](const std::stop_token& stop) { demo(*options, stop); }; });
}

}  // namespace

void add_demo_commands(CLI::App& app, Work& work) {
    const std::string summary =
        "classify images of a data set under encryption and compare with the plaintext network";
    CLI::App* command = app.add_subcommand("demo", "the demo: " + summary);
    auto options = std::make_shared<Options>();
    command->add_option("DATASET", options->set, "mnist, fashion-mnist or cifar10")
        ->required()
        ->check(CLI::IsMember(demo_set_names()));
    add_options(*command, work, options, "--folder",
                "folder of the data set's test part; else $LACUNA_MNIST, $LACUNA_FASHION_MNIST or "
                "$LACUNA_CIFAR10, or data/DATASET; of MNIST, else shipped sample digits");
    command->footer(
        "Examples:\n"
        "  lacuna demo mnist\n"
        "  lacuna demo fashion-mnist --images 1 --packing packed\n"
        "  lacuna demo cifar10 --folder data/cifar10 --sheet answers.png\n"
        "  lacuna demo cifar10 --plan cifar10.plan");
    CLI::App* mnist = app.add_subcommand("mnist", "the demo on handwritten digits: `lacuna demo mnist`");
    add_options(*mnist, work, std::make_shared<Options>(), "--mnist",
                "folder of the MNIST test set; else $LACUNA_MNIST, data/mnist, or shipped sample digits");
    mnist->footer(
        "Examples:\n"
        "  lacuna mnist\n"
        "  lacuna mnist --mnist data/mnist --images 8192 --packing slots\n"
        "  lacuna mnist --images 1 --packing packed\n"
        "  lacuna mnist --images 1 --packing radix --threads 1 --json\n"
        "  lacuna mnist --model mine.lacuna.json --data X.npy Y.npy --count 256");
}

}  // namespace lacuna
