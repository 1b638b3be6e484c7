// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/rns/polynomial.h>
#include <lacuna/rns/random.h>

namespace lacuna {

/// An RLWE ciphertext (c_0, ..., c_{k-1}), k = 2 to 5 (max_ciphertext_parts): c_0 + c_1 s + c_2 s^2 =
/// round(Q_l m / t(x)) + noise.
struct Ciphertext {
    RingHash ring{};  ///< the ring it lives in
    PlainModulus t;   ///< plaintext modulus
    std::vector<RnsPolynomial> parts;

    [[nodiscard]] std::size_t size() const { return parts.size(); }
    /// The level: how many data primes are left.
    [[nodiscard]] std::size_t limbs() const { return parts.empty() ? 0 : parts.front().limbs(); }
    [[nodiscard]] std::size_t n() const { return parts.empty() ? 0 : parts.front().n(); }
    [[nodiscard]] Form form() const { return parts.empty() ? Form::coefficient : parts.front().form(); }
    /// Whether every part has n coefficients, this level and this form.
    [[nodiscard]] bool has_shape(std::size_t n, std::size_t limbs, Form form) const {
        return std::all_of(parts.begin(), parts.end(), [&](const RnsPolynomial& part) {
            return part.n() == n && part.limbs() == limbs && part.form() == form;
        });
    }
    bool operator==(const Ciphertext&) const = default;
};

/// A fresh symmetric ciphertext at half the size: c_1 is the expansion of a public seed (sample_uniform,
/// stream 0).
struct SeededCiphertext {
    RingHash ring{};
    PlainModulus t;
    RnsPolynomial c0;  ///< coefficient form
    Seed seed{};

    bool operator==(const SeededCiphertext&) const = default;
};

/// The full ciphertext of a seeded one, whose c_0 it takes over. Throws Error where it belongs to another
/// ring.
[[nodiscard]] Ciphertext expand(const Ring& ring, SeededCiphertext seeded);

}  // namespace lacuna
