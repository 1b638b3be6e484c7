// SPDX-License-Identifier: Apache-2.0
//
// Example 2: rotations. The n slots form two rows of n/2. A rotation turns both rows, and sums over slots are
// made of rotations and additions: here the inner product of eight encrypted numbers with eight public
// weights.
//
// Prints the numbers turned by one, then their inner product:
//     2 3 4 5 6 7 8 0
//     1*8 + 2*7 + ... + 8*1 = 120
#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_generator.h>

#include <cstdint>
#include <iostream>
#include <vector>

int main() {
    using namespace lacuna;
    const Context context({.n = 8192, .data_bits = {50, 50, 50}, .special_bits = {50}, .plain_bits = {20}});
    const KeyGenerator keys(context);
    const Encryptor encryptor(context, keys.secret_key());
    const Decryptor decryptor(context, keys.secret_key());
    const BatchEncoder encoder(context);
    const Evaluator evaluator(context);
    // Every step has a key of its own: only the rotations that are asked for are possible.
    const GaloisKeys rotations = keys.galois_keys(std::vector<int>{1, 2, 4});

    const Ciphertext x = encryptor.encrypt(encoder.encode(std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
    const std::vector<std::int64_t> turned =
        encoder.decode(decryptor.decrypt(evaluator.rotate_rows(x, 1, rotations)));
    for (int i = 0; i < 8; ++i) {
        std::cout << turned[i] << (i < 7 ? " " : "\n");
    }

    // Slot by slot, then halves upon halves: after steps of 4, 2 and 1 slot 0 holds the sum of the first
    // eight.
    const Plaintext weights = encoder.encode(std::vector<std::int64_t>{8, 7, 6, 5, 4, 3, 2, 1});
    Ciphertext sum = evaluator.multiply_plain(x, weights);
    for (const int step : {4, 2, 1}) {
        sum = evaluator.add(sum, evaluator.rotate_rows(sum, step, rotations));
    }
    std::cout << "1*8 + 2*7 + ... + 8*1 = " << encoder.decode(decryptor.decrypt(sum))[0] << '\n';
}
