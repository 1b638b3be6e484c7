// SPDX-License-Identifier: Apache-2.0
#include "he/plaintext.h"

#include <cstdlib>
#include <string>

#include "ntt/error.h"

namespace lacuna {

void check_coefficients(const char* operation, const Plaintext& plaintext) {
    const PlainModulus& t = plaintext.t();
    const std::uint64_t lowest =
        t.is_integer() ? 0 : std::uint64_t{0} - static_cast<std::uint64_t>(t.coefficient_bound());
    const std::uint64_t count =
        t.is_integer() ? t.value() : 2 * static_cast<std::uint64_t>(t.coefficient_bound()) + 1;
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        if (plaintext[i] - lowest >= count) {
            throw Error(std::string(operation) + ": coefficient " + std::to_string(i) +
                        " of the plaintext is " +
                        (t.is_integer() ? "not below its modulus " + to_string(t)
                                        : "not within +-" + std::to_string(t.coefficient_bound()) +
                                              " as modulo " + to_string(t) + " it must be; use an encoder"));
        }
    }
}

}  // namespace lacuna
