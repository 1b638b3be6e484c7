// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <lacuna/he/files/kind.h>
#include <lacuna/he/files/source.h>
#include <lacuna/he/fv/parameters.h>
#include <lacuna/he/rlwe/ring.h>

namespace lacuna {

/// What a file says about itself. Fields that its kind does not have are 0, empty or absent.
struct FileDescription {
    Kind kind = Kind::parameters;
    int version = 0;
    std::uint64_t bytes = 0;               ///< of the whole file
    std::optional<RingHash> ring;          ///< all but parameters and plaintexts
    std::size_t n = 0;                     ///< ring degree
    std::optional<Parameters> parameters;  ///< of a parameters file: every prime by value

    std::size_t key_limbs = 0;   ///< public and key-switching keys: data and special primes together
    std::size_t key_digits = 0;  ///< key-switching keys: digits of each
    bool has_public_key = false;
    bool has_relin_keys = false;
    std::size_t galois_elements = 0;

    Kind item = Kind::ciphertext;                 ///< of a batch: the kind of its ciphertexts
    std::size_t ciphertexts = 0;                  ///< 1, or as many as a batch holds
    std::vector<std::uint64_t> plain_moduli;      ///< every t that occurs, rising
    std::vector<PlainModulus> plain_polynomials;  ///< every binomial that occurs
    std::size_t parts = 0;                        ///< most parts of a ciphertext: 2 to 5
    std::size_t least_limbs = 0;                  ///< lowest and highest level
    std::size_t most_limbs = 0;
    int c0_bits = 0;  ///< reduced ciphertexts: bits kept, of the first one
    int c1_bits = 0;
    std::size_t coefficients = 0;  ///< reduced ciphertexts: coefficients of c_0 sent, of the first one
    std::size_t layout_bytes = 0;  ///< of a batch
};

/// Reads a whole file of any kind, to its end and in bounded memory, without keys or context, and verifies
/// its checksums. Residues are not checked: that needs the parameters. Throws Error where the file is
/// damaged.
[[nodiscard]] FileDescription inspect(Source& source);
/// The same of one object where more may follow.
[[nodiscard]] FileDescription inspect_next(Source& source);

}  // namespace lacuna
