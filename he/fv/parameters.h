// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/he/rlwe/ring_parameters.h>

namespace lacuna {

/// What a person writes to say which scheme they want; a plain literal, also as JSON. Context validates it
/// once. he/files/parameters_json.h reads and writes the JSON.
///
///     {"n": 8192, "data_bits": [50, 50, 50], "special_bits": [50], "plain_bits": [20]}
///
/// Primes are given by size (the library takes the largest that fit) or by value, never both.
struct Parameters {
    std::size_t n = 8192;                         ///< ring degree: a power of two
    std::vector<int> data_bits{};                 ///< sizes of the ciphertext primes, or
    std::vector<std::uint64_t> data_primes{};     ///< the primes themselves; the last one is dropped first
    std::vector<int> special_bits{};              ///< sizes of the key-switching primes, or
    std::vector<std::uint64_t> special_primes{};  ///< the primes themselves; may be empty: then there is no
                                                  ///< relinearisation or rotation
    std::size_t digit_limbs = 1;                  ///< data primes that share one digit of a key-switching key
    std::vector<int> plain_bits{};                ///< sizes of batching plaintext primes (1 mod 2n), and/or
    std::vector<std::uint64_t> plain_moduli{};    ///< any t in [2, 2^50) coprime to Q, by value
    /// Binomials x^k - b, as {"power": k, "base": b}: k a power of two below n, 2 <= |b| < 2^24, b^(n/k) + 1
    /// coprime to Q. They come after the integers where plaintext moduli are numbered.
    std::vector<PlainModulus> plain_polynomials{};
    int security = 128;           ///< required bits by the 2024 table: 128, 192, 256, or
    bool allow_insecure = false;  ///< accept parameters below the table, for tests and experiments

    bool operator==(const Parameters&) const = default;
    /// The ring alone: what a Ring is made of. resolve() first where a plaintext modulus by value may be one
    /// of the primes that sizes stand for.
    operator RingParameters() const;  // NOLINT(google-explicit-constructor): Parameters are that and more
};

/// The integers, then the binomials; sizes in bits, which stand for no modulus yet, left out.
[[nodiscard]] std::vector<PlainModulus> all_plain_moduli(const Parameters& parameters);

/// The same parameters with every prime written out by value. Throws one Error that lists every problem
/// found, each with what to do.
[[nodiscard]] Parameters resolve(const Parameters& parameters);

}  // namespace lacuna
