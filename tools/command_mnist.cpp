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
#include "tools/command.h"
#include "tools/data_set.h"
#include "tools/digit_picture.h"
#include "tools/idx.h"
#include "tools/json_output.h"
#include "tools/model_files.h"
#include "tools/option_checks.h"
#include "tools/peak_memory.h"
#include "tools/plan_options.h"
#include "tools/progress_line.h"
#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"
#include "tools/threads.h"

namespace lacuna {

namespace {

using Logits = std::vector<std::vector<mpz_class>>;

constexpr std::size_t default_images = 8192;  // one request of the default model's plan
constexpr std::size_t pictures = 3;           // as many 28 pixels wide as a terminal has room for

struct Options {
    std::string mnist;
    DataOptions data;
    std::string model = default_model;
    std::size_t images = 0;  // 0: the default
    PlanOptions plan;
    int threads = 1;
    bool json = false;
};

/// Labelled inputs.
struct Digits {
    Shape shape;
    std::size_t count = 0;
    std::vector<std::uint8_t> all_pixels;
    std::vector<std::size_t> labels;
    std::string folder;
    const char* source = "mnist";  ///< "shipped", "mnist" or "data"
    bool shipped = false;

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

Digits find_digits(const std::string& option) {
    const auto folder =
        find_mnist(option.empty() ? std::nullopt : std::optional<std::filesystem::path>(option));
    Digits digits;
    digits.shipped = !folder.has_value();
    digits.source = digits.shipped ? "shipped" : "mnist";
    digits.folder = folder.value_or(data_folder() / "digits").string();
    LabelledImages labelled = read_digits(digits.folder);
    digits.shape = {1, labelled.images.rows, labelled.images.columns};
    digits.count = labelled.images.count;
    digits.all_pixels = std::move(labelled.images.pixels);
    digits.labels.assign(labelled.labels.begin(), labelled.labels.end());
    return digits;
}

/// Other data than digits, as the model takes them.
Digits read_data(const DataOptions& options, const Model& model, const std::stop_token& stop) {
    DataSet data = options.read(model.input_shape, model.features, stop);
    if (data.labels.empty()) {
        throw Error(
            options.paths.front() +
            ": expected inputs with labels, found inputs alone; give labels, or use `lacuna encrypt`");
    }
    Digits digits;
    digits.source = "data";
    digits.shape = model.input_shape;
    digits.count = data.count;
    digits.all_pixels = std::move(data.pixels);
    digits.labels = std::move(data.labels);
    digits.folder = std::move(data.title);
    return digits;
}

void check_fit(const Model& model, const Digits& digits) {
    if (model.input_shape != digits.shape) {
        throw Error("model '" + model.name + "': expected an input of 1 x " +
                    std::to_string(digits.shape.height) + " x " + std::to_string(digits.shape.width) +
                    " as the images in " + digits.folder + " are, found " +
                    std::to_string(model.input_shape.channels) + " x " +
                    std::to_string(model.input_shape.height) + " x " +
                    std::to_string(model.input_shape.width) + "; give a model for these images");
    }
    for (std::size_t i = 0; i < digits.labels.size(); ++i) {
        if (digits.labels[i] >= model.classes()) {
            throw Error(digits.folder + ": expected labels below the " + std::to_string(model.classes()) +
                        " classes of model '" + model.name + "', found " + std::to_string(digits.labels[i]) +
                        " for image " + std::to_string(i));
        }
    }
}

std::size_t number_of_images(const Options& options, const Digits& digits) {
    const std::size_t available = digits.count;
    if (options.images > available) {
        throw Error("--images: expected at most the " + std::to_string(available) + " images in " +
                    digits.folder + ", found " + std::to_string(options.images) +
                    (digits.shipped ? "; give the MNIST test set with --mnist for more" : ""));
    }
    if (options.images != 0) {
        return options.images;
    }
    const bool one = options.plan.packing == packing_name(Packing::radix) ||
                     options.plan.packing == packing_name(Packing::packed);
    return one ? 1 : std::min(available, default_images);
}

Outcome classify(const Model& model, const Plan& plan, const Digits& digits, std::size_t images,
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
        outcome.key_bytes =
            evaluation_keys_bytes(client->context().ring(), keys.public_key.has_value(),
                                  keys.relin_keys.has_value(), keys.galois_keys.entries.size());
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
            upload = client->encrypt(digits.pixels(first, count), stage);
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

void print_json(const Plan& plan, const Outcome& outcome, const Score& score, const Digits& digits,
                int threads) {
    const auto images = static_cast<double>(outcome.logits.size());
    const OperationCounts hops = plan.operations.total();
    const nlohmann::ordered_json document = {
        {"model", plan.client.model},
        {"digits", digits.source},
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
    };
    print_json_document(document);
}

void print_pictures(const Digits& digits, const Logits& logits) {
    constexpr std::size_t widest = 28;
    if (digits.shape.channels != 1 || digits.shape.width > widest || digits.shape.height < 2) {
        return;
    }
    std::vector<CaptionedPicture> shown;
    for (std::size_t i = 0; i < std::min(pictures, logits.size()); ++i) {
        shown.push_back(
            {digit_picture(digits.pixels(i, 1), digits.shape.height, digits.shape.width),
             "label " + std::to_string(digits.labels[i]) + ", answer " + std::to_string(argmax(logits[i]))});
    }
    std::cout << '\n' << side_by_side(shown) << '\n';
}

void print_text(const Plan& plan, const Outcome& outcome, const Score& score, const Digits& digits,
                int threads) {
    const std::size_t images = outcome.logits.size();
    const auto count = static_cast<double>(images);
    std::cout << (digits.shipped
                      ? "Sample digits that this project drew itself; for the real test set see the end."
                      : (digits.source == std::string("mnist") ? "The MNIST test set in " : "The data ") +
                            terminal_text(digits.folder) + ".")
              << '\n';
    print_pictures(digits, outcome.logits);
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
              << threads << (threads == 1 ? " thread, kernel " : " threads, kernel ") << active_kernels().name
              << "; peak memory " << bytes_text(static_cast<double>(peak_memory_bytes())) << ")\n\n";
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
    if (digits.shipped) {
        std::cout << "\nFor the real test set, download t10k-images-idx3-ubyte.gz and "
                     "t10k-labels-idx1-ubyte.gz of MNIST\n"
                     "(http://yann.lecun.com/exdb/mnist, or one of its many mirrors) into data/mnist, or "
                     "name their\n"
                     "folder with --mnist DIR or LACUNA_MNIST.\n";
    }
}

void mnist(const Options& options, const std::stop_token& stop) {
    check_threads(options.threads);
    const Model model = find_model(options.model);
    const Digits digits =
        options.data.given() ? read_data(options.data, model, stop) : find_digits(options.mnist);
    check_fit(model, digits);
    const std::size_t images = number_of_images(options, digits);
    const Plan plan = make_plan(model, options.plan.request(images));
    RunControl control;
    control.threads = options.threads;
    control.stop = stop;
    const Outcome outcome = classify(model, plan, digits, images, control);
    const Logits expected = Reference(model).batch_logits(digits.pixels(0, images), options.threads);
    const Score score = judge(outcome.logits, expected, digits.labels);
    (options.json ? print_json : print_text)(plan, outcome, score, digits, options.threads);
    if (score.matches != images) {
        throw Error("mnist: " + std::to_string(images - score.matches) + " of " + std::to_string(images) +
                    " results differ from the plaintext network's; this is a defect of the library, please "
                    "report it");
    }
}

}  // namespace

void add_mnist_command(CLI::App& app, Work& work) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "mnist",
        "the demo: classify handwritten digits under encryption and compare with the plaintext network");
    command
        ->add_option("--mnist", options->mnist,
                     "folder of the MNIST test set; else $LACUNA_MNIST, data/mnist, or shipped sample digits")
        ->type_name("DIR")
        ->check(not_empty());
    options->data.add_to(*command)->excludes(command->get_option("--mnist"));
    command->add_option("--model", options->model, "a shipped model's name, or a *.lacuna.json file")
        ->check(not_empty())
        ->capture_default_str();
    command
        ->add_option("--images", options->images,
                     "how many images, from the first on (default: all up to 8192; radix and packed: 1)")
        ->type_name("N")
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    options->plan.add_to(*command);
    add_threads_option(*command, options->threads);
    add_json_option(*command, options->json);
    command->footer(
        "Examples:\n"
        "  lacuna mnist\n"
        "  lacuna mnist --mnist data/mnist --images 8192 --packing slots\n"
        "  lacuna mnist --images 1 --packing packed\n"
        "  lacuna mnist --images 1 --packing radix --threads 1 --json\n"
        "  lacuna mnist --model mine.lacuna.json --data X.npy Y.npy --count 256");
    command->callback(
        [options, &work] { work = [options](const std::stop_token& stop) { mnist(*options, stop); }; });
}

}  // namespace lacuna
