// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/plaintext.h>

namespace lacuna::testing {

/// The oracle of plaintexts modulo x^k - b, from its definition and over the integers: the k coefficients of
/// Z_p[x]/(x^k - b), p = b^(n/k) + 1, each in [0, p).
class BinomialRing {
  public:
    using Element = std::vector<mpz_class>;

    BinomialRing(std::size_t n, const PlainModulus& t) : n_(n), t_(t), b_(static_cast<long>(t.base())) {
        mpz_pow_ui(p_.get_mpz_t(), b_.get_mpz_t(), n / t.power());
        p_ += 1;
    }

    [[nodiscard]] const mpz_class& p() const { return p_; }
    [[nodiscard]] std::size_t k() const { return t_.power(); }

    [[nodiscard]] Element element(const Plaintext& plaintext) const {
        Element result(k());
        for (std::size_t i = 0; i < k(); ++i) {
            for (std::size_t j = n_; j > 0; j -= k()) {
                result[i] =
                    result[i] * b_ + static_cast<long>(static_cast<std::int64_t>(plaintext[j - k() + i]));
            }
            result[i] = reduced(result[i]);
        }
        return result;
    }
    [[nodiscard]] Element add(const Element& a, const Element& b) const {
        Element sum(k());
        for (std::size_t i = 0; i < k(); ++i) {
            sum[i] = reduced(a[i] + b[i]);
        }
        return sum;
    }
    [[nodiscard]] Element scale(const Element& a, const mpz_class& factor) const {
        Element result(k());
        for (std::size_t i = 0; i < k(); ++i) {
            result[i] = reduced(a[i] * factor);
        }
        return result;
    }
    [[nodiscard]] Element multiply(const Element& a, const Element& b) const {
        Element wide(2 * k());
        for (std::size_t i = 0; i < k(); ++i) {
            for (std::size_t j = 0; j < k(); ++j) {
                wide[i + j] += a[i] * b[j];
            }
        }
        Element product(k());
        for (std::size_t i = 0; i < k(); ++i) {
            product[i] = reduced(wide[i] + b_ * wide[i + k()]);
        }
        return product;
    }
    /// a x^exponent
    [[nodiscard]] Element shift(const Element& a, std::size_t exponent) const {
        Element result(k());
        for (std::size_t i = 0; i < k(); ++i) {
            const std::size_t at = i + exponent;
            mpz_class factor;
            mpz_pow_ui(factor.get_mpz_t(), b_.get_mpz_t(), at / k());
            result[at % k()] = reduced(a[i] * factor);
        }
        return result;
    }
    /// a(x^g)
    [[nodiscard]] Element automorphism(const Element& a, std::uint64_t g) const {
        Element result(k());
        for (std::size_t i = 0; i < k(); ++i) {
            Element one(k());
            one[0] = a[i];
            result = add(result, shift(one, i * g % (2 * n_)));
        }
        return result;
    }
    /// Coefficients anywhere in the range of a plaintext.
    [[nodiscard]] Plaintext random_plaintext(std::mt19937_64& random) const {
        Plaintext plaintext(n_, t_);
        std::uniform_int_distribution<std::int64_t> uniform(-t_.coefficient_bound(), t_.coefficient_bound());
        for (std::size_t i = 0; i < n_; ++i) {
            plaintext[i] = static_cast<std::uint64_t>(uniform(random));
        }
        return plaintext;
    }
    /// The same extreme everywhere.
    [[nodiscard]] Plaintext extreme(bool negative) const {
        Plaintext plaintext(n_, t_);
        const std::int64_t c = negative ? -t_.coefficient_bound() : t_.coefficient_bound();
        for (std::size_t i = 0; i < n_; ++i) {
            plaintext[i] = static_cast<std::uint64_t>(c);
        }
        return plaintext;
    }

  private:
    [[nodiscard]] mpz_class reduced(const mpz_class& x) const {
        mpz_class result;
        mpz_fdiv_r(result.get_mpz_t(), x.get_mpz_t(), p_.get_mpz_t());
        return result;
    }

    std::size_t n_;
    PlainModulus t_;
    mpz_class b_;
    mpz_class p_;
};

}  // namespace lacuna::testing
