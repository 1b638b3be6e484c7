// SPDX-License-Identifier: Apache-2.0
// The README's example: parameters, keys, encryption, a square and a sparse product, decryption.
#include <lacuna/he/fv.h>

#include <iostream>

int main() {
    using namespace lacuna;
    const Context context({.n = 8192, .data_bits = {50, 50, 50}, .special_bits = {50}, .plain_bits = {20}});
    const KeyGenerator keys(context);
    const BatchEncoder encoder(context);
    const Evaluator evaluator(context);

    const Ciphertext x =
        Encryptor(context, keys.secret_key()).encrypt(encoder.encode(std::vector<std::int64_t>{1, -2, 3}));
    const Ciphertext square = evaluator.relinearize(evaluator.square(x), keys.relin_keys());
    const Ciphertext y = evaluator.add(square, evaluator.multiply_monomial(x, {4, 0}));  // x^2 + 4x

    const std::vector<std::int64_t> slots = encoder.decode(Decryptor(context, keys.secret_key()).decrypt(y));
    std::cout << slots[0] << ' ' << slots[1] << ' ' << slots[2] << '\n';  // 5 -4 21
    return slots[0] == 5 && slots[1] == -4 && slots[2] == 21 ? 0 : 1;
}
