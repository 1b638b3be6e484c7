// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/radix.h>

#include <algorithm>

#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/plain_moduli.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// Coefficients of the logits side by side.
std::size_t joined_coefficients(const PackingBounds& bounds, std::size_t classes) {
    return (bounds.logit_degree + 1) * classes;
}

}  // namespace

PackingBounds RadixPacking::bounds(const ExpandedModel& model) {
    const RadixRanges ranges = radix_ranges(model);
    PackingBounds bounds{ranges.largest_logit_coefficient(), ranges.largest_degree(), 0};
    for (const auto& logit : ranges.logits) {
        bounds.logit_degree = std::max(bounds.logit_degree, logit.empty() ? 0 : logit.size() - 1);
    }
    return bounds;
}

bool RadixPacking::fits(std::size_t n, const PackingBounds& bounds, std::size_t classes) {
    return bounds.degree < n && joined_coefficients(bounds, classes) <= n;
}

std::optional<std::string> RadixPacking::obstacle(const PackingBounds& bounds, std::size_t classes) {
    if (fits(max_ntt_size, bounds, classes)) {
        return std::nullopt;
    }
    return "digit polynomials reach x^" + std::to_string(bounds.degree) + ", and the logits' " +
           std::to_string(joined_coefficients(bounds, classes)) +
           " coefficients side by side have to fit n = " + std::to_string(max_ntt_size);
}

std::vector<std::uint64_t> RadixPacking::plain_moduli(std::size_t n, std::size_t count,
                                                      const mpz_class& needed) {
    if (count > 1) {
        return neighbouring_primes(n, count, needed);
    }
    // Digit polynomials take any modulus.
    const mpz_class t = std::max(mpz_class(needed + 1), mpz_class(3));
    return mpz_sizeinbase(t.get_mpz_t(), 2) <= max_modulus_bits ? std::vector{to_word(t)}
                                                                : std::vector<std::uint64_t>{};
}

std::string RadixPacking::reason(std::size_t /*n*/, std::size_t batch) {
    return "packing: radix, one image a request" +
           (batch == 1 ? std::string() : ", so that " + std::to_string(batch) + " are as many requests") +
           "; every +-2^k weight is the monomial +-x^k";
}

std::optional<std::string> RadixPacking::reason_of_degree(std::size_t degree) {
    return "degree: digit polynomials reach x^" + std::to_string(degree) + ", below n";
}

std::vector<Monomial> RadixPacking::monomials(const mpz_class& value, const Modulus& /*t*/) {
    std::vector<Monomial> terms;
    for (const Digit& digit : naf(value)) {
        terms.push_back({digit.sign, digit.exponent});
    }
    return terms;
}

double RadixPacking::weight(const mpz_class& value, const std::vector<std::uint64_t>& /*moduli*/) {
    return static_cast<double>(naf(value).size());
}

double RadixPacking::weight(std::int64_t value, const std::vector<std::uint64_t>& moduli) {
    return weight(to_signed_mpz(value), moduli);
}

SparseProduct RadixPacking::compile(const LinearMap& map, std::size_t n, const Modulus& t,
                                    std::uint64_t factor) {
    return elementwise_layer(map, n, t, factor, monomials);
}

}  // namespace lacuna
