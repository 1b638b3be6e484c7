// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna::testing {

/// The oracle of what lives in Z[x]/(x^n + 1): n integers of any size, and schoolbook arithmetic.
using BigPolynomial = std::vector<mpz_class>;

inline mpz_class centred_modulo(const mpz_class& x, const mpz_class& modulus) {
    mpz_class rest;
    mpz_fdiv_r(rest.get_mpz_t(), x.get_mpz_t(), modulus.get_mpz_t());
    return 2 * rest > modulus ? mpz_class(rest - modulus) : rest;
}

/// The centred integers of a polynomial over the first primes of a basis, in either form.
inline BigPolynomial integers_of(const RnsBasis& basis, RnsPolynomial polynomial) {
    const RnsBasis used = basis.prefix(polynomial.limbs());
    if (polynomial.form() == Form::ntt) {
        to_coefficients(used, polynomial);
    }
    const Crt crt(used);
    BigPolynomial integers;
    std::vector<std::uint64_t> residues(polynomial.limbs());
    for (std::size_t j = 0; j < polynomial.n(); ++j) {
        for (std::size_t i = 0; i < residues.size(); ++i) {
            residues[i] = polynomial.limb(i)[j];
        }
        integers.push_back(crt.compose_centred(residues));
    }
    return integers;
}

/// The other way, in coefficient form.
inline RnsPolynomial residues_of(const RnsBasis& basis, std::size_t limbs, const BigPolynomial& integers) {
    RnsPolynomial polynomial(integers.size(), limbs, Form::coefficient);
    for (std::size_t i = 0; i < limbs; ++i) {
        for (std::size_t j = 0; j < integers.size(); ++j) {
            polynomial.limb(i)[j] = residue(integers[j], basis.modulus(i));
        }
    }
    return polynomial;
}

/// The coefficients of a secret key, -1, 0 and 1.
inline BigPolynomial secret_of(const Ring& ring, const SecretKey& key) {
    return integers_of(ring.key_basis(), key.s);
}

inline BigPolynomial sum_of(BigPolynomial a, const BigPolynomial& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] += b[i];
    }
    return a;
}

inline BigPolynomial scaled(BigPolynomial a, const mpz_class& factor) {
    for (mpz_class& coefficient : a) {
        coefficient *= factor;
    }
    return a;
}

inline BigPolynomial product_of(const BigPolynomial& a, const BigPolynomial& b) {
    const std::size_t n = a.size();
    BigPolynomial product(n);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            if (i + j < n) {
                product[i + j] += a[i] * b[j];
            } else {
                product[i + j - n] -= a[i] * b[j];
            }
        }
    }
    return product;
}

inline BigPolynomial centred_modulo(BigPolynomial a, const mpz_class& modulus) {
    for (mpz_class& coefficient : a) {
        coefficient = centred_modulo(coefficient, modulus);
    }
    return a;
}

inline mpz_class largest_of(const BigPolynomial& a) {
    mpz_class largest = 0;
    for (const mpz_class& coefficient : a) {
        largest = std::max(largest, mpz_class(abs(coefficient)));
    }
    return largest;
}

}  // namespace lacuna::testing
