// SPDX-License-Identifier: Apache-2.0
// The server of client.cpp. Usage: server plan MODEL FOLDER: writes the client's half of a plan, pictures and
// their logits; server infer MODEL FOLDER: answers the upload in the folder.
#include <lacuna/nn/server.h>

#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

namespace {

using namespace lacuna;

constexpr std::size_t images = 5;

void plan(const Model& model, const Plan& plan, const std::string& folder) {
    std::ofstream(folder + "/client.json") << format_client_plan(plan.client);
    std::vector<std::uint8_t> pixels(images * model.input_shape.size());
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        pixels[i] = static_cast<std::uint8_t>(37 * i * i + 11 * i);
    }
    std::ofstream(folder + "/pixels")
        .write(reinterpret_cast<const char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
    std::ofstream logits(folder + "/logits");
    for (const std::vector<mpz_class>& image : Reference(model).batch_logits(pixels, 1)) {
        for (const mpz_class& logit : image) {
            logits << logit << '\n';
        }
    }
}

void infer(const Model& model, const Plan& plan, const std::string& folder) {
    const CompiledModel compiled(model, plan);
    const Ring& ring = compiled.context().ring();
    const EvaluationKeys keys = load_evaluation_keys(folder + "/evaluation.keys", ring);
    Source source(std::filesystem::path(folder + "/upload.lct"));
    const UploadHead head = read_upload_head(source);
    Source again(std::filesystem::path(folder + "/upload.lct"));
    Upload upload = load_upload(again, compiled.context(), plan.client);
    std::ofstream reply(folder + "/reply.lct", std::ios::binary);
    save_reply(reply, ring, plan.client, head.keys,
               compiled.infer(keys, std::get<SeededTensor>(std::move(upload))));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::cerr << "usage: server plan|infer MODEL FOLDER\n";
        return 2;
    }
    const Model model = load_model(arguments[2]);
    const Plan made = make_plan(model, {.batch = 8, .privacy_bits = 40});
    std::string_view(arguments[1]) == "plan" ? plan(model, made, arguments[3])
                                             : infer(model, made, arguments[3]);
    return 0;
}
