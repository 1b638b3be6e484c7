// SPDX-License-Identifier: Apache-2.0
//
// Example 5: a model of your own. own_model.lacuna.json, whose path is the argument, was written by hand: two
// dense layers with a square between them, in the format of nn/model/model_format.md. It is evaluated without
// encryption by the reference, planned, and run under encryption.
//
// Prints the logits of two images, from the reference and from the reply:
//     two-edges: 16 pixels, 2 classes
//     left and right: 1152 -576, encrypted 1152 -576
//     top and bottom: -576 1152, encrypted -576 1152
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/session.h>

#include <cstdint>
#include <iostream>
#include <utility>
#include <vector>

int main(int /*argc*/, char** argv) {
    using namespace lacuna;
    const Model model = load_model(argv[1]);  // an Error says which line breaks which rule
    const Reference reference(model);
    std::cout << model.name << ": " << reference.image_size() << " pixels, " << reference.classes()
              << " classes\n";

    const Plan plan = make_plan(model, {});
    const Client client(plan.client);
    const Session session(model, plan, client.evaluation_keys());

    std::vector<std::uint8_t> vertical(16);
    std::vector<std::uint8_t> horizontal(16);
    for (int i = 0; i < 16; ++i) {
        vertical[i] = i % 4 < 2 ? 255 : 0;
        horizontal[i] = i < 8 ? 255 : 0;
    }
    for (const auto& [name, pixels] :
         {std::pair{"left and right", vertical}, {"top and bottom", horizontal}}) {
        const std::vector<mpz_class> plain = reference.logits(pixels);
        const std::vector<mpz_class> encrypted = client.decrypt(session.infer(client.encrypt(pixels)))[0];
        std::cout << name << ": " << plain[0] << ' ' << plain[1] << ", encrypted " << encrypted[0] << ' '
                  << encrypted[1] << '\n';
    }
}
