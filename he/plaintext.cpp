// SPDX-License-Identifier: Apache-2.0
#include "he/plaintext.h"

#include <string>

#include "ntt/error.h"

namespace lacuna {

void check_coefficients(const char* operation, const Plaintext& plaintext) {
    const std::uint64_t largest = plaintext.modulus() - 1;  // below 2^50
    std::uint64_t outside = 0;                              // its top bit: some coefficient is larger
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        outside |= (largest - plaintext[i]) | plaintext[i];
    }
    if (outside >> 63 == 0) {
        return;
    }
    std::size_t i = 0;
    while (i + 1 < plaintext.n() && plaintext[i] <= largest) {
        ++i;
    }
    throw Error(std::string(operation) + ": expected coefficients below the plaintext modulus " +
                std::to_string(plaintext.modulus()) + ", found another at x^" + std::to_string(i) +
                "; reduce it first");
}

}  // namespace lacuna
