// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/reference.h>
#include "tests/support/child_process.h"
#include "tests/support/digits_source.h"
#include "tests/support/places.h"
#include "tools/key_folder.h"

namespace lacuna::testing {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const fs::path shipped_model = test::source_folder() / "nn/models/faster-cryptonets.lacuna.json";

/// MNIST images as an IDX file.
std::string idx_text(std::size_t count) {
    const IdxImages& images = test::digits_source().digits.images;
    std::string text;
    for (const std::size_t value : {std::size_t{0x803}, count, images.rows, images.columns}) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            text += static_cast<char>(value >> shift);
        }
    }
    return text.append(reinterpret_cast<const char*>(images.pixels.data()), count * images.image_size());
}

/// A network for MNIST's images that is quick to run: two sparse layers and a square.
Model quick_model() {
    Model model;
    model.name = "quick";
    model.input_shape = {1, 28, 28};
    model.thresholds = {64, 160};
    model.layers.push_back({"flatten", Flatten{}});
    Dense hidden{{28 * 28, {}}, {}};
    for (std::uint32_t i = 0; i < 12; ++i) {
        hidden.weights.rows.push_back({{150 + i * 20, 1}, {160 + i * 30, -2}, {300 + i * 20, 4}});
        hidden.bias.emplace_back(i);
    }
    model.layers.push_back({"hidden", std::move(hidden)});
    model.layers.push_back({"square", Activation{{0, 0, 1}}});
    Dense logits{{12, {}}, {}};
    for (std::uint32_t i = 0; i < 10; ++i) {
        logits.weights.rows.push_back({{i, 2}, {i + 1, -1}});
        logits.bias.emplace_back(-3);
    }
    model.layers.push_back({"logits", std::move(logits)});
    return model;
}

std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

using Arguments = std::vector<std::string>;

/// A client and a server, each in a folder of its own; commands run there, in processes of their own.
class Parties {
  public:
    Parties() : folder_(std::make_unique<TemporaryFolder>()) {
        fs::create_directory(client());
        fs::create_directory(server());
    }

    [[nodiscard]] fs::path client() const { return *folder_ / "client"; }
    [[nodiscard]] fs::path server() const { return *folder_ / "server"; }

    [[nodiscard]] CommandResult at_client(const Arguments& arguments) const {
        return run_lacuna(arguments, {client(), {}});
    }
    [[nodiscard]] CommandResult at_server(const Arguments& arguments) const {
        return run_lacuna(arguments, {server(), {}});
    }

    /// Plan (on the server's side), keys, and an upload of the first images, handed over.
    void prepare(const Model& model, std::size_t images, const Arguments& plan_options) const {
        save_model(model, server() / "model.lacuna.json");
        Arguments plan = {"plan", "--model", "model.lacuna.json", "--export-client", "client.json"};
        plan.insert(plan.end(), plan_options.begin(), plan_options.end());
        if (std::find(plan.begin(), plan.end(), "--packing") == plan.end()) {
            plan.insert(plan.end(), {"--packing", "slots"});  // uploads of any size, unless told otherwise
        }
        expect_done(at_server(plan));
        hand("client.json", server(), client());
        expect_done(at_client({"keygen", "--client", "client.json", "--out", "keys"}));
        hand("keys/evaluation.keys", client(), server());
        write_text(client() / "images.idx", idx_text(images));
        expect_done(
            at_client({"encrypt", "--keys", "keys", "--images", "images.idx", "--out", "upload.lct"}));
        hand("upload.lct", client(), server());
    }
    [[nodiscard]] CommandResult infer(const Arguments& more = {}) const {
        Arguments arguments = {"infer",      "--model",         "model.lacuna.json",
                               "--keys",     "evaluation.keys", "--in",
                               "upload.lct", "--out",           "reply.lct"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return at_server(arguments);
    }
    [[nodiscard]] CommandResult decrypt(const Arguments& more = {}) const {
        Arguments arguments = {"decrypt", "--keys", "keys", "--in", "reply.lct"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return at_client(arguments);
    }

    static void hand(const std::string& file, const fs::path& from, const fs::path& to) {
        fs::copy_file(from / file, to / fs::path(file).filename(), fs::copy_options::overwrite_existing);
    }
    static void expect_done(const CommandResult& result) {
        ASSERT_EQ(result.code, 0) << result.errors;
        EXPECT_EQ(result.errors, "");
    }

  private:
    std::unique_ptr<TemporaryFolder> folder_;
};

/// The decrypted logits are those of the model in the clear.
void expect_logits(const std::string& output, const Model& model, std::size_t images) {
    const json document = json::parse(output);
    ASSERT_EQ(document["images"].size(), images);
    const auto& pixels = test::digits_source().digits.images.pixels;
    const auto expected =
        Reference(model).batch_logits(std::span(pixels).first(images * model.input_shape.size()), 2);
    for (std::size_t i = 0; i < images; ++i) {
        const json& image = document["images"][i];
        EXPECT_EQ(image["class"], argmax(expected[i]));
        for (std::size_t c = 0; c < expected[i].size(); ++c) {
            ASSERT_EQ(image["logits"][c].get<std::int64_t>(), expected[i][c].get_si()) << i << ' ' << c;
        }
        auto sorted = expected[i];
        std::sort(sorted.begin(), sorted.end());
        EXPECT_EQ(image["margin"].get<std::int64_t>(),
                  mpz_class(sorted.back() - sorted[sorted.size() - 2]).get_si());
    }
}

TEST(ClientServer, TwoProcessesClassifyAHundredImages) {
    // Where MNIST is absent this runs on the shipped digits, as digits_source() says.
    const Parties parties;
    const Model model = load_model(shipped_model);
    parties.prepare(model, 100, {});
    EXPECT_EQ(names_in(parties.server()),
              (std::set<std::string>{"client.json", "evaluation.keys", "model.lacuna.json", "upload.lct"}));
    Parties::expect_done(parties.infer());
    Parties::hand("reply.lct", parties.server(), parties.client());
    // The client has no model.
    EXPECT_EQ(names_in(parties.client()),
              (std::set<std::string>{"client.json", "images.idx", "keys", "reply.lct", "upload.lct"}));
    const CommandResult result = parties.decrypt({"--json"});
    Parties::expect_done(result);
    expect_logits(result.output, model, 100);

    const CommandResult csv = parties.decrypt({"--csv"});
    EXPECT_EQ(std::count(csv.output.begin(), csv.output.end(), '\n'), 101);
    EXPECT_EQ(csv.output.rfind("image,class,margin,logit0", 0), 0U);
    EXPECT_NE(csv.output.find(",logit9,scaled0"), std::string::npos);
    EXPECT_EQ(csv.output.find("probability"), std::string::npos);
    EXPECT_NE(parties.decrypt({"--csv", "--probabilities"}).output.find(",scaled9,probability0"),
              std::string::npos);
    const CommandResult text = parties.decrypt();
    EXPECT_NE(text.output.find("margin"), std::string::npos);
    const json first = json::parse(parties.decrypt({"--json", "--probabilities"}).output)["images"][0];
    double sum = 0;
    for (std::size_t c = 0; c < 10; ++c) {
        EXPECT_DOUBLE_EQ(first["scaled"][c], first["logits"][c].get<double>() * model.output_scale);
        sum += first["probabilities"][c].get<double>();
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_GT(first["probabilities"][first["class"].get<std::size_t>()], 0.1);
}

TEST(ClientServer, RadixPackingAndSeveralUploads) {
    const Parties parties;
    const Model model = quick_model();
    parties.prepare(model, 1, {"--packing", "radix", "--no-circuit-privacy"});
    fs::copy_file(parties.server() / "upload.lct", parties.server() / "second.lct");
    fs::create_directory(parties.server() / "replies");
    Parties::expect_done(
        parties.at_server({"infer", "--model", "model.lacuna.json", "--keys", "evaluation.keys", "--in",
                           "upload.lct", "second.lct", "--out", "replies"}));
    EXPECT_EQ(names_in(parties.server() / "replies"),
              (std::set<std::string>{"second.reply.lct", "upload.reply.lct"}));
    for (const char* name : {"second.reply.lct", "upload.reply.lct"}) {
        fs::copy_file(parties.server() / "replies" / name, parties.client() / "reply.lct",
                      fs::copy_options::overwrite_existing);
        const CommandResult result = parties.decrypt({"--json"});
        Parties::expect_done(result);
        expect_logits(result.output, model, 1);
    }
    // The plan leaves circuit privacy out; a server that says something else is told.
    expect_failure(parties.infer({"--privacy-bits", "40"}), 1,
                   {"upload.lct", "expected a plan with 40 bits of circuit privacy", "found 0"});
    Parties::expect_done(parties.infer({"--no-circuit-privacy"}));
}

TEST(ClientServer, MoreImagesThanAPlanHoldsAreSeveralUploads) {
    const Parties parties;
    const Model model = quick_model();
    parties.prepare(model, 5, {"--packing", "packed", "--batch", "2", "--no-circuit-privacy"});
    const CommandResult inspected = parties.at_client({"inspect", "upload.lct", "--json"});
    EXPECT_EQ(json::parse(inspected.output)["batches"], 3);
    const CommandResult inferred = parties.infer({"--json"});
    Parties::expect_done(inferred);
    const json report = json::parse(inferred.output);
    EXPECT_EQ(report["replies"][0]["images"], 5);
    EXPECT_GT(report["peak_memory_bytes"], 1'000'000);
    std::set<std::string> stages;
    for (const json& stage : report["stages"]) {
        stages.insert(stage["stage"]);
        EXPECT_GE(stage["seconds"], 0);
    }
    for (const char* stage : {"plan", "load keys", "prepare model", "load upload", "hidden", "write reply"}) {
        EXPECT_TRUE(stages.contains(stage)) << stage;
    }
    Parties::hand("reply.lct", parties.server(), parties.client());
    const CommandResult result = parties.decrypt({"--json"});
    Parties::expect_done(result);
    expect_logits(result.output, model, 5);
    // A reply a file, joined in the order given.
    fs::copy_file(parties.client() / "reply.lct", parties.client() / "again.lct");
    const CommandResult joined =
        parties.at_client({"decrypt", "--keys", "keys", "--in", "reply.lct", "again.lct", "--json"});
    Parties::expect_done(joined);
    const json images = json::parse(joined.output)["images"];
    ASSERT_EQ(images.size(), 10U);
    EXPECT_EQ(images[7], images[2]);
    // An upload that was cut in its second part is answered not at all.
    const std::string whole = read_text(parties.server() / "upload.lct");
    write_text(parties.server() / "upload.lct", whole.substr(0, whole.size() / 2));
    fs::remove(parties.server() / "reply.lct");
    EXPECT_EQ(parties.infer().code, 1);
    EXPECT_FALSE(fs::exists(parties.server() / "reply.lct"));
}

TEST(ClientServer, ACompiledPlanAnswersWithoutPlanning) {
    const Parties parties;
    const Model model = quick_model();
    parties.prepare(model, 3, {"--out", "server.plan", "--no-circuit-privacy"});
    const CommandResult inferred = parties.infer({"--plan", "server.plan", "--json"});
    Parties::expect_done(inferred);
    Parties::hand("reply.lct", parties.server(), parties.client());
    const CommandResult result = parties.decrypt({"--json"});
    Parties::expect_done(result);
    expect_logits(result.output, model, 3);
    const CommandResult inspected = parties.at_server({"inspect", "server.plan", "--json"});
    Parties::expect_done(inspected);
    EXPECT_EQ(json::parse(inspected.output)["kind"], "lacuna-plan");

    expect_failure(parties.infer({"--plan", "server.plan", "--force", "--privacy-bits", "40"}), 1,
                   {"server.plan", "circuit privacy"});
    // Another plan than the upload's, another model than the plan's.
    Parties::expect_done(parties.at_server({"plan", "--model", "model.lacuna.json", "--packing", "slots",
                                            "--privacy-bits", "40", "--out", "other.plan"}));
    expect_failure(parties.infer({"--plan", "other.plan", "--force"}), 1, {"upload.lct", "--plan"});
    Model other = quick_model();
    std::get<Dense>(other.layers.back().kind).bias.front() += 1;
    save_model(other, parties.server() / "model.lacuna.json");
    expect_failure(parties.infer({"--plan", "server.plan", "--force"}), 1, {"server.plan", "model_digest"});
}

TEST(ClientServer, CommandsNeedOnlyWhatTheyUse) {
    const Parties parties;
    const Model model = quick_model();
    parties.prepare(model, 2, {"--public-encryption"});
    const fs::path keys = parties.client() / "keys";
    fs::remove(keys / "evaluation.keys");
    const fs::path sender = parties.client() / "sender";
    fs::copy(keys, sender);
    fs::remove(sender / "secret.key");
    fs::remove(keys / "public.key");
    for (const Arguments& more :
         std::vector<Arguments>{{"--keys", "keys"}, {"--keys", "sender", "--public"}}) {
        Arguments encrypt = {"encrypt", "--images", "images.idx", "--out", "upload.lct", "--force"};
        encrypt.insert(encrypt.end(), more.begin(), more.end());
        Parties::expect_done(parties.at_client(encrypt));
        Parties::hand("upload.lct", parties.client(), parties.server());
        Parties::expect_done(parties.infer({"--force"}));
        Parties::hand("reply.lct", parties.server(), parties.client());
        const CommandResult result = parties.decrypt({"--json"});
        Parties::expect_done(result);
        expect_logits(result.output, model, 2);
    }
    write_text(keys / "key_set.id", "none\n");
    expect_failure(parties.decrypt(), 1, {"key_set.id", "hexadecimal digits"});
    fs::remove(keys / "key_set.id");
    expect_failure(parties.decrypt(), 1, {"evaluation.keys"});
}

TEST(ClientServer, PackedImages) {
    const Parties parties;
    const Model model = quick_model();
    parties.prepare(model, 2, {"--packing", "packed", "--batch", "2"});
    Parties::expect_done(parties.infer());
    Parties::hand("reply.lct", parties.server(), parties.client());
    const CommandResult result = parties.decrypt({"--json"});
    Parties::expect_done(result);
    expect_logits(result.output, model, 2);
}

TEST(ClientServer, SomebodyElseEncryptsWithThePublicKey) {
    const Parties parties;
    const Model model = quick_model();
    parties.prepare(model, 2, {"--public-encryption"});
    const fs::path sender = parties.client() / "sender";
    fs::copy(parties.client() / "keys", sender);
    fs::remove(sender / "secret.key");
    Parties::expect_done(parties.at_client({"encrypt", "--keys", "sender", "--images", "images.idx", "--out",
                                            "upload.lct", "--public", "--force"}));
    const CommandResult inspected = parties.at_client({"inspect", "upload.lct", "--json"});
    EXPECT_EQ(json::parse(inspected.output)["item"], "ciphertext");
    Parties::hand("upload.lct", parties.client(), parties.server());
    Parties::expect_done(parties.infer());
    Parties::hand("reply.lct", parties.server(), parties.client());
    const CommandResult result = parties.decrypt({"--json"});
    Parties::expect_done(result);
    expect_logits(result.output, model, 2);
}

/// A prepared pair of parties with a small model and a reply, shared by the tests that leave them as they
/// are.
const Parties& quick_parties() {
    static const Parties parties = [] {
        Parties made;
        made.prepare(quick_model(), 3, {});
        Parties::expect_done(made.infer());
        Parties::hand("reply.lct", made.server(), made.client());
        Parties::expect_done(made.at_client({"keygen", "--client", "client.json", "--out", "other"}));
        return made;
    }();
    return parties;
}

/// What the server says to an upload; nothing may be left behind.
void expect_refused(const Arguments& changed, const std::vector<std::string>& parts) {
    const Parties& parties = quick_parties();
    const auto before = names_in(parties.server());
    Arguments arguments = {"infer"};
    for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{
             {"--model", "model.lacuna.json"}, {"--keys", "evaluation.keys"}, {"--in", "upload.lct"}}) {
        const auto place = std::find(changed.begin(), changed.end(), option);
        arguments.push_back(option);
        arguments.push_back(place == changed.end() ? value : *(place + 1));
    }
    arguments.insert(arguments.end(), {"--out", "refused.lct"});
    expect_failure(parties.at_server(arguments), 1, parts);
    EXPECT_EQ(names_in(parties.server()), before);
}

/// The file of a party with other bytes, beside it for as long as this lives.
class Altered {
  public:
    Altered(const fs::path& original, const std::function<void(std::string&)>& change)
        : file_(original.parent_path() / ("altered-" + original.filename().string())) {
        std::string bytes = read_text(original);
        change(bytes);
        write_text(file_, bytes);
    }
    ~Altered() { fs::remove(file_); }
    Altered(const Altered&) = delete;
    Altered& operator=(const Altered&) = delete;

    [[nodiscard]] std::string name() const { return file_.filename().string(); }

  private:
    fs::path file_;
};

TEST(Mistakes, WrongKeys) {
    const Parties& parties = quick_parties();
    expect_refused({"--keys", (parties.client() / "other/evaluation.keys").string()},
                   {"upload.lct", "key set"});
    expect_refused({"--keys", (parties.client() / "keys/public.key").string()},
                   {"public.key", "evaluation keys", "public key"});
    expect_failure(parties.at_client({"decrypt", "--keys", "other", "--in", "reply.lct"}), 1,
                   {"reply.lct", "key set", "keys that encrypted"});
}

TEST(Mistakes, AnotherKeySetsSecret) {
    const Parties& parties = quick_parties();
    const fs::path folder = parties.client() / "foreign";
    fs::copy(parties.client() / "keys", folder);
    fs::copy_file(parties.client() / "other/secret.key", folder / "secret.key",
                  fs::copy_options::overwrite_existing);
    expect_failure(parties.at_client({"decrypt", "--keys", "foreign", "--in", "reply.lct"}), 1,
                   {"secret.key", "public.key"});
    fs::remove_all(folder);
}

/// The client's keys with some files of the other key set, as a folder beside them.
class MixedFolder {
  public:
    MixedFolder(const fs::path& client, const std::vector<std::string>& foreign)
        : folder_(client / "mixed-keys") {
        fs::copy(client / "keys", folder_);
        for (const std::string& file : foreign) {
            fs::copy_file(client / "other" / file, folder_ / file, fs::copy_options::overwrite_existing);
        }
    }
    ~MixedFolder() { fs::remove_all(folder_); }
    MixedFolder(const MixedFolder&) = delete;
    MixedFolder& operator=(const MixedFolder&) = delete;

    [[nodiscard]] const fs::path& path() const { return folder_; }

  private:
    fs::path folder_;
};

TEST(Mistakes, FilesOfTwoKeySetsInOneFolder) {
    const Parties& parties = quick_parties();
    const auto before = names_in(parties.client());
    const Arguments encrypt = {"encrypt",    "--keys", "mixed-keys",    "--images",
                               "images.idx", "--out",  "never-made.lct"};
    const Arguments decrypt = {"decrypt", "--keys", "mixed-keys", "--in", "reply.lct"};
    const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> mixes = {
        {{"evaluation.keys"}, {"secret.key", "evaluation.keys", "keep the files of one"}},
        {{"public.key"}, {"secret.key", "public.key"}},
        {{"secret.key"}, {"secret.key", "public.key"}},
        // A pair that fits, beside evaluation keys that name the set which the reply is for.
        {{"secret.key", "public.key"}, {"secret.key", "evaluation.keys"}},
        {{"public.key", "evaluation.keys"}, {"secret.key", "public.key"}}};
    for (const auto& [foreign, parts] : mixes) {
        const MixedFolder folder(parties.client(), foreign);
        expect_failure(parties.at_client(encrypt), 1, parts);
        expect_failure(parties.at_client(decrypt), 1, parts);
    }
    EXPECT_EQ(names_in(parties.client()), before);
}

TEST(Mistakes, PublicKeyOfAnotherKeySet) {
    const Parties parties;
    parties.prepare(quick_model(), 1, {"--public-encryption", "--no-circuit-privacy"});
    Parties::expect_done(parties.at_client({"keygen", "--client", "client.json", "--out", "other"}));
    const Arguments encrypt = {"encrypt",    "--keys", "mixed-keys",     "--images",
                               "images.idx", "--out",  "never-made.lct", "--public"};
    for (const char* foreign : {"public.key", "evaluation.keys"}) {
        const MixedFolder folder(parties.client(), {foreign});
        fs::remove(folder.path() / "secret.key");
        expect_failure(parties.at_client(encrypt), 1, {"public.key", "evaluation.keys", "keep the files"});
    }
    EXPECT_FALSE(fs::exists(parties.client() / "never-made.lct"));
}

TEST(Mistakes, EvaluationKeysOfAnotherPlan) {
    // The same ring and a secret that fits, but without the relinearisation key.
    const Parties& parties = quick_parties();
    const MixedFolder folder(parties.client(), {});
    const ClientPlan plan = load_client_plan(folder.path() / "client.json");
    const Context context(plan.parameters);
    const Client client(plan, load_secret_key(folder.path() / "secret.key", context.ring()));
    EvaluationKeys keys = client.evaluation_keys();
    keys.relin_keys.reset();
    save_file(folder.path() / "evaluation.keys", context.ring(), keys, Overwrite::allow);
    expect_failure(parties.at_client({"encrypt", "--keys", "mixed-keys", "--images", "images.idx", "--out",
                                      "never-made.lct"}),
                   1, {"evaluation.keys", "relinearisation key", "another plan"});
}

/// A model without products: the plan asks for no evaluation key.
TEST(ClientServer, ClientsOfAPlanWithoutEvaluationKeysAreToldApart) {
    const Parties parties;
    Model model = quick_model();
    model.layers.resize(2);
    parties.prepare(model, 1, {"--no-circuit-privacy", "--packing", "slots"});
    Parties::expect_done(parties.infer({"--no-circuit-privacy"}));
    Parties::hand("reply.lct", parties.server(), parties.client());
    const CommandResult result = parties.decrypt({"--json"});
    Parties::expect_done(result);
    expect_logits(result.output, model, 1);

    Parties::expect_done(parties.at_client({"keygen", "--client", "client.json", "--out", "other"}));
    expect_failure(parties.at_client({"decrypt", "--keys", "other", "--in", "reply.lct"}), 1,
                   {"reply.lct", "key set", "keys that encrypted"});
    const auto id = [&](const char* folder) {
        return json::parse(parties.at_client({"inspect", std::string(folder) + "/evaluation.keys", "--json"})
                               .output)["key_set"];
    };
    EXPECT_NE(id("keys"), id("other"));

    // As an earlier release left them: readable, but no name for new uploads.
    const ClientPlan plan = load_client_plan(parties.client() / "client.json");
    const Context context(plan.parameters);
    EvaluationKeys none;
    none.ring = context.ring().hash();
    save_file(parties.client() / "keys/evaluation.keys", context.ring(), none, Overwrite::allow);
    expect_failure(
        parties.at_client({"encrypt", "--keys", "keys", "--images", "images.idx", "--out", "never-made.lct"}),
        1, {"evaluation.keys", "expected at least one key", "lacuna keygen"});
}

TEST(Mistakes, HostileModelsAreRefusedBeforeTheyCostAnything) {
    const TemporaryFolder folder;
    for (const char* name : {"pools.json", "coefficients.json"}) {
        fs::copy_file(test::source_folder() / "tests/fuzz/corpus/model" / name, folder / name);
        const CommandResult result = run_lacuna({"plan", "--model", (folder / name).string()});
        expect_failure(result, 1, {name, "layers[", "expected at most"});
    }
}

TEST(Mistakes, WrongModel) {
    const Parties& parties = quick_parties();
    Model other = quick_model();
    other.name = "other";
    save_model(other, parties.client() / "other.lacuna.json");
    expect_refused({"--model", (parties.client() / "other.lacuna.json").string()},
                   {"upload.lct", "model 'other'", "'quick'"});
    Model changed = quick_model();
    std::get<Dense>(changed.layers.back().kind).bias[0] = mpz_class("1000000000000");
    save_model(changed, parties.client() / "other.lacuna.json");
    expect_refused({"--model", (parties.client() / "other.lacuna.json").string()},
                   {"upload.lct", "plan", "the model has changed"});
    fs::remove(parties.client() / "other.lacuna.json");
}

TEST(Mistakes, MixedParameters) {
    const Parties& parties = quick_parties();
    const fs::path folder = parties.client() / "mixed";
    fs::copy(parties.client() / "keys", folder);
    Parties::expect_done(
        run_lacuna({"plan", "--model", (parties.server() / "model.lacuna.json").string(), "--security", "256",
                    "--packing", "slots", "--export-client", (folder / "client.json").string(), "--force"}));
    expect_failure(parties.at_client({"decrypt", "--keys", "mixed", "--in", "reply.lct"}), 1, {"secret.key"});
    expect_failure(
        parties.at_client({"encrypt", "--keys", "mixed", "--images", "images.idx", "--out", "mixed.lct"}), 1,
        {"secret.key"});
    EXPECT_FALSE(fs::exists(parties.client() / "mixed.lct"));
    fs::remove_all(folder);
}

TEST(Mistakes, OldVersion) {
    const Parties& parties = quick_parties();
    constexpr std::size_t version_at = 6;
    const Altered upload(parties.server() / "upload.lct", [](std::string& bytes) { bytes[version_at] = 0; });
    expect_refused({"--in", upload.name()}, {upload.name(), "version"});
    const Altered keys(parties.server() / "evaluation.keys",
                       [](std::string& bytes) { bytes[version_at] = 2; });
    expect_refused({"--keys", keys.name()}, {keys.name(), "version"});
    const Altered reply(parties.client() / "reply.lct", [](std::string& bytes) { bytes[version_at] = 7; });
    expect_failure(parties.at_client({"decrypt", "--keys", "keys", "--in", reply.name()}), 1,
                   {reply.name(), "version"});
    const Altered plan(parties.client() / "client.json", [](std::string& text) {
        text.replace(text.find("\"version\": 2"), 12, "\"version\": 9");
    });
    expect_failure(parties.at_client({"keygen", "--client", plan.name(), "--out", "never"}), 1,
                   {plan.name(), "version", "found 9"});
    EXPECT_FALSE(fs::exists(parties.client() / "never"));
}

TEST(Mistakes, WrongOrder) {
    const Parties& parties = quick_parties();
    // Two records of the upload change places: the last two, which are equally long.
    const Altered swapped(parties.server() / "upload.lct", [](std::string& bytes) {
        const std::size_t last = bytes.rfind("LACUNA");
        const std::size_t size = bytes.size() - last;
        const std::string record = bytes.substr(last);
        bytes.replace(last, size, bytes.substr(last - size, size));
        bytes.replace(last - size, size, record);
    });
    expect_refused({"--in", swapped.name()}, {swapped.name(), "checksum"});
    expect_refused({"--in", "evaluation.keys"}, {"evaluation.keys", "batch"});
    expect_refused({"--in", "reply.lct"}, {"reply.lct", "lacuna-upload"});
    expect_failure(parties.at_client({"decrypt", "--keys", "keys", "--in", "upload.lct"}), 1,
                   {"upload.lct", "lacuna-reply"});
}

TEST(Mistakes, DamagedAndMissingFiles) {
    const Parties& parties = quick_parties();
    const Altered shorter(parties.server() / "upload.lct",
                          [](std::string& bytes) { bytes.resize(bytes.size() / 2); });
    expect_refused({"--in", shorter.name()}, {shorter.name(), "expected"});
    const Altered flipped(parties.server() / "evaluation.keys",
                          [](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
    expect_refused({"--keys", flipped.name()}, {flipped.name()});
    expect_refused({"--in", "nothing.lct"}, {"nothing.lct"});
    expect_failure(parties.at_client({"keygen", "--client", "nothing.json", "--out", "never"}), 1,
                   {"nothing.json"});
    expect_failure(
        parties.at_client({"encrypt", "--keys", "nowhere", "--images", "images.idx", "--out", "x.lct"}), 1,
        {"nowhere"});
    expect_failure(parties.infer(), 1, {"reply.lct", "exists", "--force"});
}

TEST(Mistakes, NoRoomForPublicKeyEncryption) {
    expect_failure(quick_parties().at_client({"encrypt", "--keys", "keys", "--images", "images.idx", "--out",
                                              "public.lct", "--public"}),
                   1, {"public-key encryption", "secret key"});
    EXPECT_FALSE(fs::exists(quick_parties().client() / "public.lct"));
}

TEST(KeyFiles, SecretKeyIsTheOwnersAlone) {
    const Parties& parties = quick_parties();
    const fs::path secret = parties.client() / "keys/secret.key";
    EXPECT_EQ(fs::status(secret).permissions() & fs::perms::mask,
              fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(
        names_in(parties.client() / "keys"),
        (std::set<std::string>{"client.json", "evaluation.keys", "key_set.id", "public.key", "secret.key"}));
    fs::permissions(secret, fs::perms::group_read, fs::perm_options::add);
    expect_failure(parties.decrypt(), 1, {"secret.key", "only its owner", "chmod 600"});
    fs::permissions(secret, fs::perms::group_read, fs::perm_options::remove);
    EXPECT_EQ(parties.decrypt().code, 0);
}

TEST(KeyFiles, AreReplacedByForceOnly) {
    const Parties& parties = quick_parties();
    const std::string before = read_text(parties.client() / "keys/secret.key");
    expect_failure(parties.at_client({"keygen", "--client", "client.json", "--out", "keys"}), 1,
                   {"keys", "exists already", "--force"});
    EXPECT_EQ(read_text(parties.client() / "keys/secret.key"), before);
    fs::copy(parties.client() / "keys", parties.client() / "again");
    Parties::expect_done(
        parties.at_client({"keygen", "--client", "client.json", "--out", "again", "--force"}));
    EXPECT_NE(read_text(parties.client() / "again/secret.key"), before);
    // Whatever else lies there is nobody's to replace.
    write_text(parties.client() / "again/notes.txt", "mine");
    expect_failure(parties.at_client({"keygen", "--client", "client.json", "--out", "again", "--force"}), 1,
                   {"again", "notes.txt"});
    fs::remove_all(parties.client() / "again");
}

TEST(Inspect, SaysWhatEveryFileIs) {
    const Parties& parties = quick_parties();
    const auto inspect = [&](const std::string& file) {
        const CommandResult result = parties.at_client({"inspect", file, "--json"});
        Parties::expect_done(result);
        return json::parse(result.output);
    };
    EXPECT_EQ(inspect("keys/secret.key")["kind"], "secret key");
    EXPECT_EQ(inspect("keys/public.key")["kind"], "public key");
    const json keys = inspect("keys/evaluation.keys");
    EXPECT_EQ(keys["has_public_key"], true);
    EXPECT_EQ(keys["has_relinearisation_key"], true);
    const json upload = inspect("upload.lct");
    EXPECT_EQ(upload["content"], "upload");
    EXPECT_EQ(upload["images"], 3);
    EXPECT_EQ(upload["key_set"], keys["key_set"]);
    EXPECT_EQ(upload["ring"], keys["ring"]);
    const json reply = inspect("reply.lct");
    EXPECT_EQ(reply["content"], "reply");
    EXPECT_EQ(reply["key_set"], keys["key_set"]);
    EXPECT_EQ(reply["plan"], upload["plan"]);
    EXPECT_EQ(inspect("client.json")["plan"], upload["plan"]);
    EXPECT_EQ(inspect(shipped_model.string())["model"], "faster-cryptonets");
    EXPECT_EQ(parties.at_client({"inspect", "upload.lct"}).code, 0);
    expect_failure(parties.at_client({"inspect", "images.idx"}), 1, {"images.idx"});
}

/// The command leaves a folder as it was, or as it would be afterwards, whenever it is killed: at once, or,
/// where several files change their places one by one, once whoever comes next has called `complete`.
void expect_atomic(
    const Arguments& arguments, const fs::path& here, const std::vector<fs::path>& outputs,
    const std::function<void()>& complete = [] {}) {
    const auto snapshot = [&] {
        std::vector<std::string> contents;
        for (const fs::path& output : outputs) {
            contents.push_back(read_text(output));
        }
        return contents;
    };
    bool finished = false;
    for (int wait = 3'000; !finished; wait *= 3) {
        const auto before = snapshot();
        ChildProcess process(test::lacuna_command(), arguments, {here, {}});
        ::usleep(static_cast<useconds_t>(wait));
        finished = !process.running();
        process.send(SIGKILL);
        const int code = process.wait();
        complete();
        const auto after = snapshot();
        bool none = true;
        bool all = true;
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            none = none && after[i] == before[i];
            all = all && after[i] != before[i] && !after[i].empty();
        }
        EXPECT_TRUE(none || all) << arguments[0] << " killed after " << wait << " us";
        if (finished) {
            EXPECT_EQ(code, 0) << process.errors();
        }
        for (const fs::path& output : outputs) {
            Parties::expect_done(run_lacuna({"inspect", output.string()}));
        }
    }
}

TEST(Crash, KeepsThePreviousState) {
    const Parties parties;
    parties.prepare(quick_model(), 3, {});
    Parties::expect_done(parties.infer());
    expect_atomic({"encrypt", "--keys", "keys", "--images", "images.idx", "--out", "upload.lct", "--force"},
                  parties.client(), {parties.client() / "upload.lct"});
    expect_atomic({"infer", "--model", "model.lacuna.json", "--keys", "evaluation.keys", "--in", "upload.lct",
                   "--out", "reply.lct", "--force"},
                  parties.server(), {parties.server() / "reply.lct"});
    const fs::path keys = parties.client() / "keys";
    expect_atomic({"keygen", "--client", "client.json", "--out", "keys", "--force"}, parties.client(),
                  {keys / "secret.key", keys / "public.key", keys / "evaluation.keys"},
                  [&] { KeyFolder(keys).complete(); });
}

TEST(Crash, CtrlCLeavesNoHalfFile) {
    const Parties& parties = quick_parties();
    const auto before = names_in(parties.client());
    ChildProcess process(
        test::lacuna_command(),
        {"encrypt", "--keys", "keys", "--images", "images.idx", "--out", "stopped.lct", "--threads", "1"},
        {parties.client(), {{"LACUNA_KERNELS", "portable"}}});
    while (process.running() && names_in(parties.client()) == before) {
        ::usleep(1'000);
    }
    process.send(SIGINT);
    EXPECT_EQ(process.wait(), 130);
    EXPECT_NE(process.errors().find("stopped on request"), std::string::npos) << process.errors();
    EXPECT_EQ(names_in(parties.client()), before);
}

}  // namespace
}  // namespace lacuna::testing
