// SPDX-License-Identifier: Apache-2.0
//
// Example 4: client and server. Each is a class that holds what that party holds, and they exchange bytes
// alone; over a network, the same bytes would be sent. The server has the model and no secret. The client has
// the secret and nothing of the model but its half of the plan: parameters, the input's shape, the number of
// logits.
//
// Prints what the client reads, for an image of four pixels of which two are dark:
//     plan: client's half, without weights
//     logits: 9 -4
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/session.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

using namespace lacuna;

/// Reads an object from bytes that came from elsewhere: every length and word of them is checked.
template <typename Load>
auto read(const std::string& bytes, const char* name, const Load& load) {
    std::istringstream stream(bytes);
    Source source(stream, name);
    return load(source);
}

/// The checksum at the end of a record of evaluation keys is the name of the key set.
KeySetId key_set_of(const std::string& keys) {
    KeySetId id{};
    std::copy(keys.end() - static_cast<std::ptrdiff_t>(id.size()), keys.end(), id.begin());
    return id;
}

class Server {
  public:
    explicit Server(const Model& model)
        : plan_(make_plan(model, {})), compiled_(std::make_shared<const CompiledModel>(model, plan_)) {}

    /// For every client, once.
    [[nodiscard]] std::string client_plan() const { return format_client_plan(plan_.client); }

    /// Answers one upload; `keys` are that client's evaluation keys.
    [[nodiscard]] std::string answer(const std::string& keys, const std::string& upload) const {
        const Context& context = compiled_->context();
        const auto loaded = std::make_shared<const EvaluationKeys>(
            read(keys, "keys", [&](Source& source) { return load_evaluation_keys(source, context.ring()); }));
        Upload images = read(upload, "upload",
                             [&](Source& source) { return load_upload(source, context, plan_.client); });
        const Session session(compiled_, loaded);
        std::ostringstream reply;
        save_reply(reply, context.ring(), plan_.client, key_set_of(keys),
                   session.infer(std::get<SeededTensor>(std::move(images))));
        return reply.str();
    }

  private:
    Plan plan_;
    std::shared_ptr<const CompiledModel> compiled_;
};

class Owner {
  public:
    explicit Owner(const std::string& plan) : client_(parse_client_plan(plan, "plan")) {
        std::ostringstream keys;
        save(keys, client_.context().ring(), client_.evaluation_keys());
        keys_ = keys.str();
    }

    /// Public: the server needs them to compute, and can decrypt nothing with them.
    [[nodiscard]] const std::string& keys() const { return keys_; }
    [[nodiscard]] std::string upload(const std::vector<std::uint8_t>& pixels) const {
        std::ostringstream stream;
        save_upload(stream, client_.context().ring(), client_.plan(), key_set_of(keys_),
                    client_.encrypt(pixels));
        return stream.str();
    }
    [[nodiscard]] std::vector<mpz_class> read_reply(const std::string& reply) const {
        return client_.decrypt(read(reply, "reply", [&](Source& source) {
            return load_reply(source, client_.context(), client_.plan(), key_set_of(keys_));
        }))[0];
    }

  private:
    Client client_;  // with the secret key
    std::string keys_;
};

int main() {
    Model model;  // logits: (sum of the dark pixels + 1)^2 and minus the square of their number
    model.name = "four-pixels";
    model.input_shape = {1, 2, 2};
    model.thresholds = {128};  // a pixel is dark (1) from 128 on
    model.layers.push_back({"flatten", Flatten{}});
    model.layers.push_back(
        {"sums", Dense{{4, {{{0, 1}, {1, 1}, {2, 1}, {3, 1}}, {{0, 1}, {1, 1}, {2, 1}, {3, 1}}}}, {1, 0}}});
    model.layers.push_back({"square", Activation{{0, 0, 1}}});
    model.layers.push_back({"last", Dense{{2, {{{0, 1}}, {{1, -1}}}}, {0, 0}}});

    const Server server(model);
    const std::string plan = server.client_plan();  // server to client
    std::cout << "plan: client's half, " << (plan.find("weights") == std::string::npos ? "without" : "with")
              << " weights\n";
    const Owner owner(plan);
    const std::string upload = owner.upload({200, 0, 255, 90});     // client to server, with owner.keys()
    const std::string reply = server.answer(owner.keys(), upload);  // server to client
    const std::vector<mpz_class> logits = owner.read_reply(reply);
    std::cout << "logits: " << logits[0] << ' ' << logits[1] << '\n';
}
