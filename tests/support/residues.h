// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gmpxx.h>

#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/primes.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna::testing {

/// Distinct primes of these sizes, 1 mod 2n.
inline std::vector<std::uint64_t> primes_of(std::size_t n, const std::vector<int>& bits,
                                            std::vector<std::uint64_t> excluded = {}) {
    std::vector<std::uint64_t> primes;
    for (const int size : bits) {
        primes.push_back(ntt_primes(n, size, 1, excluded).front());
        excluded.push_back(primes.back());
    }
    return primes;
}

inline std::vector<Modulus> moduli_of(const std::vector<std::uint64_t>& values) {
    return std::vector<Modulus>(values.begin(), values.end());
}

inline mpz_class product_of(const std::vector<std::uint64_t>& values) {
    mpz_class product = 1;
    for (const std::uint64_t value : values) {
        product *= to_mpz(value);
    }
    return product;
}

/// Uniform in [0, bound), up to 2^-64.
inline mpz_class random_below(const mpz_class& bound, std::mt19937_64& random) {
    mpz_class wide = 0;
    for (std::size_t bits = 0; bits < mpz_sizeinbase(bound.get_mpz_t(), 2) + 64; bits += 64) {
        wide = (wide << 64) + to_mpz(random());
    }
    return wide % bound;
}

inline mpz_class floor_divide(const mpz_class& a, const mpz_class& b) {
    mpz_class quotient;
    mpz_fdiv_q(quotient.get_mpz_t(), a.get_mpz_t(), b.get_mpz_t());
    return quotient;
}

/// Integers as rows of residues, one row a modulus, as the conversions take them.
class Rows {
  public:
    Rows(const std::vector<std::uint64_t>& moduli, std::size_t n) {
        for (std::size_t i = 0; i < moduli.size(); ++i) {
            rows_.emplace_back(n);
        }
    }
    Rows(const std::vector<std::uint64_t>& moduli, const std::vector<mpz_class>& values)
        : Rows(moduli, values.size()) {
        for (std::size_t i = 0; i < moduli.size(); ++i) {
            for (std::size_t j = 0; j < values.size(); ++j) {
                rows_[i][j] = residue(values[j], Modulus(moduli[i]));
            }
        }
    }

    [[nodiscard]] std::vector<const std::uint64_t*> sources() const {
        std::vector<const std::uint64_t*> pointers;
        for (const Buffer& row : rows_) {
            pointers.push_back(row.data());
        }
        return pointers;
    }
    [[nodiscard]] std::vector<std::uint64_t*> targets() {
        std::vector<std::uint64_t*> pointers;
        for (Buffer& row : rows_) {
            pointers.push_back(row.data());
        }
        return pointers;
    }
    [[nodiscard]] std::vector<std::uint64_t> column(std::size_t j) const {
        std::vector<std::uint64_t> residues;
        for (const Buffer& row : rows_) {
            residues.push_back(row[j]);
        }
        return residues;
    }

  private:
    std::vector<Buffer> rows_;
};

inline std::vector<std::uint64_t> residues_of(const mpz_class& x, const std::vector<std::uint64_t>& moduli) {
    std::vector<std::uint64_t> residues;
    for (const std::uint64_t modulus : moduli) {
        residues.push_back(residue(x, Modulus(modulus)));
    }
    return residues;
}

inline RnsPolynomial random_polynomial(const RnsBasis& basis, Form form, std::mt19937_64& random) {
    RnsPolynomial polynomial(basis.n(), basis.size(), form);
    for (std::size_t i = 0; i < basis.size(); ++i) {
        const std::uint64_t q = basis.modulus(i).value();
        for (std::size_t j = 0; j < basis.n(); ++j) {
            // Extremes more often than chance would have them.
            const std::uint64_t word = random();
            polynomial.limb(i)[j] = word % 16 == 0 ? 0 : word % 16 == 1 ? q - 1 : (word >> 4) % q;
        }
    }
    return polynomial;
}

}  // namespace lacuna::testing
