// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/he/rlwe/keys.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/parallel.h>

namespace lacuna::detail {

// Rotations whose sum is divided by P once, prime by prime: what products with diagonals and sums of
// rotations have in common.

/// Calls work(i) for i in [0, count). The parts of one product are short: no thread waits for another longer
/// than for one of them.
template <typename Work>
void in_parallel(int threads, std::size_t count, const std::stop_token& stop, const Work& work) {
    parallel_for(count, threads, [&](std::size_t i) {
        if (!stop.stop_requested()) {
            work(i);
        }
    });
}

/// P modulo the data primes.
[[nodiscard]] std::vector<ShoupFactor> special_factors(const Ring& ring, std::size_t limbs);

/// Throws Error, which names the operation, for keys of another ring.
void check_keys(const char* operation, const Ring& ring, const GaloisKeys& keys);

/// So many pieces of the work on one prime that the threads share it evenly.
[[nodiscard]] std::size_t pieces_for(int threads, std::size_t primes);

/// A rotation of something whose digits are there: its key and what the key cannot see, c_0.
struct Rotation {
    const GaloisKeys::Entry* entry = nullptr;
    RaisedDigits* digits = nullptr;
    const std::uint64_t* c0 = nullptr;  ///< P c_0 modulo the prime at hand, NTT form; null where it is 0
};

/// Scratch of one thread.
struct Rows {
    explicit Rows(std::size_t n)
        : b(Buffer::uninitialised(n)), a(Buffer::uninitialised(n)), turned(Buffer::uninitialised(n)) {}
    Buffer b;
    Buffer a;
    Buffer turned;
};

/// sigma(P c_0 + d_0) and sigma(d_1) modulo extended prime i, to out or added to it.
void rotate(const Ring& ring, const Rotation& rotation, std::size_t limbs, std::size_t i, Rows& rows,
            std::array<std::uint64_t*, 2> out, bool accumulate);

/// Of the same ring and plaintext modulus as another.
[[nodiscard]] Ciphertext ciphertext_of(const Ciphertext& like, Switched parts, Form form = Form::coefficient);

}  // namespace lacuna::detail
