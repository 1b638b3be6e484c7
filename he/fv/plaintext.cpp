// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/plaintext.h>

#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

void check_coefficients(const char* operation, const Plaintext& plaintext) {
    const PlainModulus& t = plaintext.t();
    const std::uint64_t lowest =
        t.is_integer() ? 0 : std::uint64_t{0} - static_cast<std::uint64_t>(t.coefficient_bound());
    const std::uint64_t largest =
        t.is_integer() ? t.value() - 1 : 2 * static_cast<std::uint64_t>(t.coefficient_bound());
    std::uint64_t outside = 0;  // its top bit: some coefficient is out of range; `largest` is below 2^50
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        const std::uint64_t above = plaintext[i] - lowest;
        outside |= (largest - above) | above;
    }
    if (outside >> 63 == 0) {
        return;
    }
    std::size_t i = 0;
    while (i + 1 < plaintext.n() && plaintext[i] - lowest <= largest) {
        ++i;
    }
    throw Error(std::string(operation) + ": expected coefficients " +
                (t.is_integer()
                     ? "below the plaintext modulus " + to_string(t)
                     : "within +-" + std::to_string(t.coefficient_bound()) + ", modulo " + to_string(t)) +
                ", found another at x^" + std::to_string(i) + "; reduce it first");
}

}  // namespace lacuna
