// SPDX-License-Identifier: Apache-2.0
// A client that stands alone: it links lacuna::client and nothing else. What travels passes through memory.
// Usage: client FOLDER SERVER...: reads client.json, pixels and logits from the folder, writes keys and
// upload there, has the command SERVER... answer, and compares what it decrypts with the logits.
#include <lacuna/nn/client.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

std::string text_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void write(const std::string& file, const std::vector<std::uint8_t>& bytes) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

int main(int count, char** arguments) {
    using namespace lacuna;
    if (count < 3) {
        std::cerr << "usage: client FOLDER SERVER...\n";
        return 2;
    }
    const std::string folder = arguments[1];
    const ClientPlan plan = parse_client_plan(text_of(folder + "/client.json"), "client.json");
    const Client client(plan);
    const Ring& ring = client.context().ring();

    ByteStream stream;
    save(stream, ring, client.evaluation_keys());
    const std::vector<std::uint8_t> keys = stream.take();
    const KeySetId id = read_key_set_id(keys);
    save_upload(stream, ring, plan, id, client.encrypt(bytes_of(text_of(folder + "/pixels"))));
    write(folder + "/evaluation.keys", keys);
    write(folder + "/upload.lct", stream.bytes());

    std::string server;
    for (int i = 2; i < count; ++i) {
        server += std::string(i == 2 ? "" : " ") + '"' + arguments[i] + '"';
    }
    if (std::system(server.c_str()) != 0) {
        std::cerr << "the server failed: " << server << '\n';
        return 1;
    }
    const std::string reply = text_of(folder + "/reply.lct");
    Source source(bytes_of(reply), "reply");
    std::string logits;
    for (const std::vector<mpz_class>& image :
         client.decrypt(load_reply(source, client.context(), plan, id))) {
        for (const mpz_class& logit : image) {
            logits += logit.get_str() + '\n';
        }
    }
    std::cout << logits;
    return logits == text_of(folder + "/logits") && !logits.empty() ? 0 : 1;
}
