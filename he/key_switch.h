// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "he/keys.h"
#include "he/ring.h"
#include "rns/polynomial.h"

namespace lacuna {

// Hybrid key switching (Kim, Polyakov, Zucca, ePrint 2021/204, section 2; Han, Ki, ePrint 2019/688): a
// polynomial is cut into digits of `digit_limbs` primes, each digit is raised to the data primes in use and
// the special primes, multiplied with the key in NTT form, and the sum divided by the special modulus P. Any
// RLWE scheme can use it.
//
// An extended polynomial at level l has l + K limbs: the first l data primes', then the special primes'.

/// The raised digits of one polynomial, NTT form. Rotations of the same ciphertext share them (hoisting:
/// Halevi, Shoup, ePrint 2018/244).
struct RaisedDigits {
    std::size_t limbs = 0;
    std::vector<RnsPolynomial> digits;
};

/// Prime i of an extended polynomial at level `limbs`, as its place in Ring::key_basis().
[[nodiscard]] inline std::size_t extended_prime(const Ring& ring, std::size_t limbs, std::size_t i) {
    return i < limbs ? i : ring.max_limbs() + (i - limbs);
}

/// c: coefficient form, at most max_limbs() limbs. Throws Error where the ring has no special primes.
[[nodiscard]] RaisedDigits raise_digits(const Ring& ring, const RnsPolynomial& c);

/// (sum_d digit_d b_d, sum_d digit_d a_d), extended, NTT form.
[[nodiscard]] std::array<RnsPolynomial, 2> apply_key(const Ring& ring, const RaisedDigits& raised,
                                                     const KeySwitchKey& key);

/// round(extended / P): NTT form in, coefficient form with l limbs out.
[[nodiscard]] RnsPolynomial divide_by_special(const Ring& ring, RnsPolynomial extended);

/// Two polynomials (d0, d1), coefficient form: d0 + d1 s'' = c s' + noise, where the key leads from s' to
/// s''.
using Switched = std::array<RnsPolynomial, 2>;
[[nodiscard]] Switched switch_key(const Ring& ring, const RnsPolynomial& c, const KeySwitchKey& key);
/// The same for several keys, with the digits raised once.
[[nodiscard]] std::vector<Switched> switch_keys(const Ring& ring, const RnsPolynomial& c,
                                                std::span<const KeySwitchKey* const> keys);

}  // namespace lacuna
