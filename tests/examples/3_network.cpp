// SPDX-License-Identifier: Apache-2.0
//
// Example 3: a network in twenty lines. A model of nn/models (the argument names its file) classifies a
// handwritten one under encryption; the plaintext network has to find the same integers.
//
// Prints the class, and that every logit is equal:
//     class 1, every logit as without encryption
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/session.h>

#include <cstdint>
#include <iostream>
#include <vector>

int main(int /*argc*/, char** argv) {
    using namespace lacuna;
    std::vector<std::uint8_t> pixels(28 * 28, 0);
    for (int row = 4; row < 24; ++row) {
        pixels[28 * row + 13] = pixels[28 * row + 14] = 255;  // a stroke from top to bottom
    }

    const Model model = load_model(argv[1]);  // faster-cryptonets.lacuna.json, for example
    const Plan plan = make_plan(model, {});   // no key needed: primes, levels, reasons
    const Client client(plan.client);         // holds the secret key, never sees the model
    const Session session(model, plan, client.evaluation_keys());  // holds the model, never sees a secret
    const auto logits = client.decrypt(session.infer(client.encrypt(pixels)));  // logits[image][class]

    const bool equal = logits[0] == Reference(model).logits(pixels);
    std::cout << "class " << argmax(logits[0])
              << (equal ? ", every logit as without encryption\n" : ", but other logits\n");
}
