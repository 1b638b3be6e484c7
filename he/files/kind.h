// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lacuna {

/// What a record holds; the numbers are part of the file format (he/files/file_format.md).
enum class Kind : std::uint8_t {
    parameters = 1,
    secret_key = 2,
    public_key = 3,
    relin_keys = 4,
    galois_keys = 5,
    evaluation_keys = 6,
    plaintext = 7,
    ciphertext = 8,
    seeded_ciphertext = 9,
    reduced_ciphertext = 10,
    batch = 11,
    protected_secret_key = 12,
};

/// In words, as in error messages: "secret key".
[[nodiscard]] const char* kind_name(Kind kind);

}  // namespace lacuna
