// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/binomial.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/packed.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

namespace {

double sum_of_magnitudes(const std::vector<Monomial>& terms) {
    double sum = 0;
    for (const Monomial& term : terms) {
        sum += std::abs(static_cast<double>(term.coefficient));
    }
    return sum;
}

}  // namespace

PackingBounds BinomialPacking::bounds(const ExpandedModel& model) {
    return {slot_ranges(model).largest_logit(), 0, 0};
}

std::size_t BinomialPacking::stride(const PackingBounds& bounds) {
    return mpz_sizeinbase(bounds.range.get_mpz_t(), 2) + 1;
}

bool BinomialPacking::fits(std::size_t n, const PackingBounds& bounds, std::size_t classes) const {
    return power_ > 1 || stride(bounds) * classes < n;
}

std::optional<std::string> BinomialPacking::obstacle(const PackingBounds& bounds, std::size_t classes) const {
    if (power_ > 1) {
        return PackedPacking::obstacle(bounds, classes);
    }
    if (fits(max_ntt_size, bounds, classes)) {
        return std::nullopt;
    }
    return "the logits' " + std::to_string(stride(bounds) * classes) +
           " digits side by side have to fit n = " + std::to_string(max_ntt_size);
}

std::optional<PlainModulus> BinomialPacking::plain_modulus(std::size_t n, const mpz_class& needed) const {
    return power_ > 1 ? PackedPacking::plain_modulus(n, power_, needed)
                      : std::optional(PlainModulus::binomial(1, 2));
}

std::string BinomialPacking::reason(std::size_t /*n*/, std::size_t batch) const {
    const std::size_t requests = (batch + power_ - 1) / power_;
    const std::string several =
        requests == 1 ? std::string()
                      : "; " + std::to_string(batch) + " are " + std::to_string(requests) + " requests";
    if (power_ > 1) {
        return "packing: slots, up to " + std::to_string(power_) + " images share every ciphertext" + several;
    }
    return "packing: radix, one image a request, numbers as digits modulo x - 2; every +-2^k weight is the "
           "monomial +-x^k" +
           several;
}

std::vector<Monomial> BinomialPacking::monomials(std::int64_t value, const BinomialRing& ring) {
    std::vector<Monomial> terms;
    if (ring.t == PlainModulus::binomial(1, 2)) {
        for (const Digit& digit : naf(to_signed_mpz(value))) {
            terms.push_back({digit.sign, digit.exponent});
        }
        return terms;
    }
    // Digits of one sign: where b is not small, most weights are one digit.
    const std::int64_t b = ring.t.base();
    std::size_t exponent = 0;
    for (std::int64_t rest = value; rest != 0; rest /= b, exponent += ring.t.power()) {
        if (exponent >= ring.n) {
            return monomials(to_signed_mpz(value), ring);
        }
        if (rest % b != 0) {
            terms.push_back({rest % b, exponent});
        }
    }
    return terms;
}

std::vector<Monomial> BinomialPacking::monomials(const mpz_class& value, const BinomialRing& ring) {
    return PackedPacking::monomials(value, ring.t, ring.n);
}

Plaintext BinomialPacking::constant(const mpz_class& value, const BinomialRing& ring) {
    Plaintext plaintext(ring.n, ring.t);
    for (const Monomial& term : monomials(value, ring)) {
        plaintext[term.exponent] = static_cast<std::uint64_t>(term.coefficient);
    }
    return plaintext;
}

double BinomialPacking::weight(std::int64_t value, const BinomialRing& ring) {
    return sum_of_magnitudes(monomials(value, ring));
}

double BinomialPacking::weight(const mpz_class& value, const BinomialRing& ring) {
    return sum_of_magnitudes(monomials(value, ring));
}

double BinomialPacking::terms(std::int64_t value, const BinomialRing& ring) {
    return static_cast<double>(monomials(value, ring).size());
}

/// The rounding error of Q m / t(x) is r / t(x) with r = Q m modulo t(x), each coefficient of the quotient y
/// rounded. With the digits of Q and m, y_{j-k} - b y_j is 0 beyond their degrees, where y has at most as
/// many halves as it has digits of Q: some steps later it rounds to 0, and the error that is left falls by b
/// a step, its sum below one coefficient's.
std::size_t BinomialPacking::coefficients(const mpz_class& constant, const BinomialRing& ring,
                                          bool carries_factor) {
    constexpr double steps = 12;
    const double log_b = std::log2(static_cast<double>(ring.t.base()));
    const double log_constant = static_cast<double>(mpz_sizeinbase(constant.get_mpz_t(), 2));
    const double digits =
        std::ceil(max_log_qp(ring.n, 128) / log_b) + std::ceil(log_constant / log_b) + steps;
    return carries_factor ? ring.n : std::min(ring.n, static_cast<std::size_t>(digits));
}

bool BinomialPacking::keeps_integers(std::uint64_t magnitude, const BinomialRing& ring) {
    return 2 * to_mpz(magnitude) < slot_modulus(ring.t, ring.n);
}

std::vector<std::vector<SparseTerm>> BinomialPacking::rows(const WeightMatrix& weights,
                                                           const BinomialRing& ring) {
    std::vector<std::vector<SparseTerm>> rows;
    for (const std::vector<WeightTerm>& row : weights.rows) {
        std::vector<SparseTerm>& terms = rows.emplace_back();
        for (const WeightTerm& weight : row) {
            for (const Monomial& term : monomials(weight.weight, ring)) {
                terms.push_back({weight.column, static_cast<std::uint32_t>(term.exponent), term.coefficient});
            }
        }
    }
    return rows;
}

}  // namespace lacuna
