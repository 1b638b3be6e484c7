// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna {

// Hybrid key switching (Kim, Polyakov, Zucca, ePrint 2021/204, section 2; Han, Ki, ePrint 2019/688): a
// polynomial is cut into digits of `digit_limbs` primes, each digit is raised to the data primes in use and
// the special primes, multiplied with the key in NTT form, and the sum divided by the special modulus P. Any
// RLWE scheme can use it.
//
// An extended polynomial at level l has l + K limbs: the first l data primes', then the special primes'.
// Everything below can be gone through prime by prime, so that the rows of one prime stay in the second-level
// cache while every key passes over them.

/// Prime i of an extended polynomial at level `limbs`, as its place in Ring::key_basis().
[[nodiscard]] inline std::size_t extended_prime(const Ring& ring, std::size_t limbs, std::size_t i) {
    return i < limbs ? i : ring.max_limbs() + (i - limbs);
}

/// The primes of a key for polynomials of at most `limbs` limbs: so many data primes, then the special ones.
[[nodiscard]] RnsBasis key_primes(const Ring& ring, std::size_t limbs);
/// Limbs of the largest polynomials that a key switches, 0 where it has no digits. A key need not be made for
/// more than the ciphertexts that it turns have: it is shorter by their missing digits and primes.
[[nodiscard]] std::size_t key_limbs(const Ring& ring, const KeySwitchKey& key);

/// The raised digits of one polynomial. Rotations of the same ciphertext share them (hoisting: Halevi, Shoup,
/// ePrint 2018/244).
class RaisedDigits {
  public:
    /// c: coefficient form, at most max_limbs() limbs; must outlive this. Throws Error where the ring has no
    /// special primes.
    RaisedDigits(const Ring& ring, const RnsPolynomial& c);
    RaisedDigits(const Ring& ring, RnsPolynomial&& c) = delete;
    RaisedDigits(const RaisedDigits&) = delete;
    RaisedDigits& operator=(const RaisedDigits&) = delete;

    /// Every digit modulo extended prime i, NTT form, n words each; until the next call for another i. Calls
    /// of multiply() for the same i may then come from several threads.
    std::span<const std::uint64_t* const> modulo(std::size_t i);

    /// (sum_d digit_d b_d, sum_d digit_d a_d) modulo extended prime i, NTT form.
    void multiply(const KeySwitchKey& key, std::size_t i, std::uint64_t* out_b, std::uint64_t* out_a);

  private:
    /// Digit d modulo the primes i in [first, last), to rows[i - first].
    void raise(std::size_t d, std::size_t first, std::size_t last,
               std::span<std::uint64_t* const> rows) const;

    const Ring* ring_;
    const RnsPolynomial* c_;
    /// Digits of one prime are raised row by row into the same rows; larger ones at once, as their rows share
    /// work.
    bool row_by_row_;
    std::size_t current_;  // the prime of rows_
    std::vector<Buffer> storage_;
    std::vector<const std::uint64_t*> rows_;
};

/// Two polynomials (d0, d1), coefficient form: d0 + d1 s'' = c s' + noise, where the key leads from s' to
/// s''.
using Switched = std::array<RnsPolynomial, 2>;

/// A pair of extended polynomials on its way to its quotient by P.
class ExtendedPair {
  public:
    /// Uninitialised, for a ciphertext of `limbs` limbs.
    ExtendedPair(const Ring& ring, std::size_t limbs);

    /// n words of part 0 or 1 modulo extended prime i.
    [[nodiscard]] std::uint64_t* row(std::size_t part, std::size_t i);
    /// From NTT to coefficient form, both parts modulo extended prime i.
    void to_coefficients(std::size_t i);
    /// round(this / P), all rows in coefficient form; this itself where there are no special primes.
    [[nodiscard]] Switched divided() &&;

  private:
    const Ring* ring_;
    Switched kept_;
    std::array<Buffer, 2> dropped_;
};

[[nodiscard]] Switched switch_key(const Ring& ring, const RnsPolynomial& c, const KeySwitchKey& key);
/// The same for several keys, with the digits raised once.
[[nodiscard]] std::vector<Switched> switch_keys(const Ring& ring, const RnsPolynomial& c,
                                                std::span<const KeySwitchKey* const> keys);

}  // namespace lacuna
