// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/noise.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <numbers>
#include <numeric>
#include <string>

#include <lacuna/he/rlwe/embedding.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/sampler.h>

namespace lacuna {

namespace {

/// Of the random rounding of a message, whatever it is (PlaintextSpace::add_scaled).
constexpr double message_variance = 0.25;
// What a variable is bounded by in the convex order (he/fv/noise.md, "Comparison"): a Gaussian whose
// deviation is the variable's own divided by this number.
/// Of a uniform variable.
constexpr double uniform_to_gaussian = 0.9213;  // 2 sqrt(2 / pi) / sqrt(3)
/// Of a fresh error, which is near to Gaussian.
constexpr double error_to_gaussian = 0.98;
/// Of the random rounding of a message alone, which may be two values 1 apart.
constexpr double rounding_to_gaussian = 0.79;
/// A term joins another one that covers its factors where that adds less than 2^-this to the deviation.
constexpr double negligible_bits = 7;
constexpr std::size_t most_terms = 8;
constexpr int failure_bits = 128;

double log_add(double a, double b) {
    const double larger = std::max(a, b);
    if (std::isinf(larger)) {
        return larger;
    }
    return larger + std::log2(1.0 + std::exp2(std::min(a, b) - larger));
}

std::vector<double> logs(const std::vector<int>& bits, const std::vector<std::uint64_t>& primes) {
    std::vector<double> result(bits.begin(), bits.end());
    for (const std::uint64_t prime : primes) {
        result.push_back(std::log2(static_cast<double>(prime)));
    }
    return result;
}

double log_norm(double norm) {
    return std::log2(std::max(norm, 1e-9));
}

/// Whether what is said of b holds of it as a part of a.
bool covers(const NoiseTerm& a, const NoiseTerm& b) {
    return a.factors.covers(b.factors) && a.secret_power >= b.secret_power && a.square == b.square &&
           a.own_power >= b.own_power && (a.own_power == 0) == (b.own_power == 0) &&
           a.identical == b.identical && (a.relation == b.relation || a.relation == NoiseRelation::common);
}

/// Every failure that a request can have shares 2^-128: of a term in a coefficient of a reply, of the two
/// parts of a square, of the bits that a reply leaves out.
int bits_for(std::size_t n, std::size_t ciphertexts) {
    const double events = static_cast<double>(n) * static_cast<double>(ciphertexts) * 2 * most_terms;
    return failure_bits + static_cast<int>(std::ceil(std::log2(events)));
}

}  // namespace

double NoiseEstimate::log_sigma() const {
    double sum = -std::numeric_limits<double>::infinity();
    for (const NoiseTerm& term : terms) {
        sum = log_add(sum, term.log_sigma);
    }
    return sum;
}

int NoiseEstimate::secret_power() const {
    int power = 0;
    for (const NoiseTerm& term : terms) {
        power = std::max(power, term.secret_power);
    }
    return power;
}

NoiseModel::NoiseModel(const Parameters& parameters, double log_t, std::size_t ciphertexts)
    : n_(parameters.n),
      digit_limbs_(parameters.digit_limbs),
      log_t_(log_t),
      log_data_(logs(parameters.data_bits, parameters.data_primes)),
      log_special_(logs(parameters.special_bits, parameters.special_primes)),
      tail_(NoiseTail::shared(parameters.n, bits_for(parameters.n, ciphertexts))) {}

double NoiseModel::log_q(std::size_t limbs) const {
    return std::accumulate(log_data_.begin(), log_data_.begin() + static_cast<std::ptrdiff_t>(limbs), 0.0);
}

double NoiseModel::log_weight(int power) const {
    return tail_->secret().log_moment(static_cast<std::size_t>(power)) / std::numbers::ln2;
}

double NoiseModel::log_deviations(const NoiseTerm& term) const {
    return term.square ? tail_->log_deviations_of_square()
                       : tail_->log_deviations(term.factors, static_cast<std::size_t>(term.secret_power),
                                               term.own_power);
}

NoiseTerm NoiseModel::rounding_term(std::size_t size) const {
    // d_k uniform in (-1/2, 1/2]: (1/12) sum_k |s(zeta)|^2k <= (1/12) (1 + |s|^2)^(size - 1).
    const int power = static_cast<int>(size) - 1;
    const double log_square = power * std::log2(1 + static_cast<double>(n_) * ternary_variance);
    NoiseTerm term;
    term.log_sigma = 0.5 * (log_square + log_weight(power) - std::log2(12.0));
    term.secret_power = power;
    term.relation = NoiseRelation::products;
    return term;
}

NoiseTerm NoiseModel::key_switch_term(std::size_t limbs) const {
    NoiseTerm term = rounding_term(2);
    const NoiseTerm keys = hoisted_switch_term(limbs);
    term.log_sigma = 0.5 * log_add(2 * term.log_sigma, 2 * keys.log_sigma);
    term.factors = keys.factors;
    return term;
}

NoiseTerm NoiseModel::hoisted_switch_term(std::size_t limbs) const {
    // sum_d digit_d e_d / P with digits uniform in (-Q_d/2, Q_d/2].
    const double log_p = std::accumulate(log_special_.begin(), log_special_.end(), 0.0);
    NoiseTerm term;
    double variance = -std::numeric_limits<double>::infinity();
    for (std::size_t begin = 0; begin < limbs; begin += digit_limbs_) {
        const double log_digit = log_q(std::min(begin + digit_limbs_, limbs)) - log_q(begin);
        const double product =
            std::log2(static_cast<double>(n_) * error_variance / 12.0) + 2 * (log_digit - log_p);
        variance = log_add(variance, product);
    }
    term.log_sigma = 0.5 * variance;
    term.factors = NoiseFactors{}.with();
    return term;
}

void NoiseModel::include(NoiseEstimate& estimate, const NoiseTerm& term, Source source) const {
    const auto sum = [source](double a, double b) {
        return source == Source::independent ? 0.5 * log_add(2 * a, 2 * b) : log_add(a, b);
    };
    for (NoiseTerm& other : estimate.terms) {
        const bool one_kind = covers(other, term) && covers(term, other);
        if (one_kind || (covers(other, term) && term.log_sigma + negligible_bits < other.log_sigma)) {
            other.log_sigma = sum(other.log_sigma, term.log_sigma);
            return;
        }
        if (covers(term, other) && other.log_sigma + negligible_bits < term.log_sigma) {
            const double log_sigma = sum(other.log_sigma, term.log_sigma);
            other = term;
            other.log_sigma = log_sigma;
            return;
        }
    }
    if (estimate.terms.size() < most_terms) {
        estimate.terms.push_back(term);
        return;
    }
    // Too many kinds to tell apart: the smallest joins the new one under what covers both.
    NoiseTerm& smallest =
        *std::min_element(estimate.terms.begin(), estimate.terms.end(),
                          [](const NoiseTerm& a, const NoiseTerm& b) { return a.log_sigma < b.log_sigma; });
    smallest.log_sigma = sum(smallest.log_sigma, term.log_sigma);
    smallest.factors = smallest.factors.join(term.factors);
    smallest.secret_power = std::max(smallest.secret_power, term.secret_power);
    smallest.relation = smallest.relation == term.relation ? term.relation : NoiseRelation::common;
    smallest.identical = smallest.identical && term.identical;
    smallest.own_power = std::max(smallest.own_power, term.own_power);
    if (smallest.square != term.square) {  // its own tail is that of one factor, over fewer embeddings
        smallest.square = false;
        smallest.factors = smallest.factors.join(NoiseFactors{}.with(2).with());
    }
}

NoiseEstimate NoiseModel::fresh_symmetric() const {
    NoiseEstimate result;
    result.limbs = log_data_.size();
    NoiseTerm term;
    term.log_sigma = 0.5 * std::log2(error_variance + message_variance) - std::log2(error_to_gaussian);
    term.relation = NoiseRelation::independent;
    term.identical = true;
    result.terms = {term};
    return result;
}

NoiseEstimate NoiseModel::fresh_public() const {
    // (e u + e_0 + e_1 s) / P, the rounding of the division where there is one, and that of Q m / t.
    const double log_p = std::accumulate(log_special_.begin(), log_special_.end(), 0.0);
    const double ns = static_cast<double>(n_) * ternary_variance;
    NoiseEstimate result;
    result.limbs = log_data_.size();
    NoiseTerm errors;
    errors.log_sigma = 0.5 * std::log2(error_variance * (ns + std::exp2(log_weight(1)) * (1 + ns))) - log_p;
    errors.factors = NoiseFactors{}.with();
    errors.secret_power = 1;
    NoiseTerm message;
    message.log_sigma = 0.5 * std::log2(message_variance) - std::log2(rounding_to_gaussian);
    std::vector<NoiseTerm> terms = {errors, message};
    if (!log_special_.empty()) {
        terms.push_back(rounding_term(2));
    }
    for (NoiseTerm& term : terms) {
        term.relation = NoiseRelation::independent;
        include(result, term, Source::independent);
    }
    return result;
}

NoiseEstimate NoiseModel::add(const NoiseEstimate& a, const NoiseEstimate& b) const {
    NoiseEstimate result = a;
    for (const NoiseTerm& term : b.terms) {
        include(result, term);
    }
    result.log_certain = log_add(a.log_certain, b.log_certain);
    result.log_certain_sum = log_add(a.log_certain_sum, b.log_certain_sum);
    result.size = std::max(a.size, b.size);
    result.products = std::max(a.products, b.products);
    result.final = a.final || b.final;
    return result;
}

NoiseEstimate NoiseModel::add_plain(const NoiseEstimate& a, std::size_t coefficients) const {
    // The rounding of Q m / t is at most 1/2, whatever the message.
    NoiseEstimate result = a;
    result.log_certain = log_add(a.log_certain, -1);
    result.log_certain_sum =
        log_add(a.log_certain_sum, std::log2(static_cast<double>(coefficients == 0 ? n_ : coefficients)) - 1);
    return result;
}

NoiseEstimate NoiseModel::add_certain(const NoiseEstimate& a, double log_bound) const {
    NoiseEstimate result = a;
    result.final = true;
    result.log_certain = log_add(a.log_certain, log_bound);
    result.log_certain_sum = log_add(a.log_certain_sum, log_bound + std::log2(static_cast<double>(n_)));
    return result;
}

NoiseEstimate NoiseModel::scale(const NoiseEstimate& a, double weight) const {
    NoiseEstimate result = a;
    for (NoiseTerm& term : result.terms) {
        term.log_sigma += log_norm(weight);
    }
    result.log_certain += log_norm(weight);
    result.log_certain_sum += log_norm(weight);
    return result;
}

NoiseEstimate NoiseModel::linear(const NoiseEstimate& a, double norm) const {
    return linear(a, NoiseNorms{norm, norm, norm, norm});
}

NoiseEstimate NoiseModel::linear(const NoiseEstimate& a, const NoiseNorms& norms) const {
    NoiseEstimate result = scale(a, norms.sum);
    result.terms.clear();
    for (NoiseTerm term : a.terms) {
        switch (term.relation) {
            case NoiseRelation::independent:
                term.log_sigma += log_norm(norms.independent);
                break;
            case NoiseRelation::products:
                term.log_sigma += log_norm(norms.products);
                break;
            case NoiseRelation::squares:
                term.log_sigma += log_norm(norms.squares);
                break;
            case NoiseRelation::common:
                term.log_sigma += log_norm(norms.sum);
                break;
        }
        term.relation = NoiseRelation::common;
        include(result, term);
    }
    return result;
}

NoiseEstimate NoiseModel::multiply_plain(const NoiseEstimate& a, double norm) const {
    return multiply_dense(a, norm, norm);
}

NoiseEstimate NoiseModel::multiply_dense(const NoiseEstimate& a, double norm, double identical) const {
    NoiseEstimate result = scale(a, norm);
    result.terms.clear();
    for (NoiseTerm term : a.terms) {
        term.log_sigma += log_norm(term.identical ? identical : norm);
        term.relation = NoiseRelation::common;
        include(result, term);
    }
    for (NoiseTerm& term : result.terms) {
        term.identical = false;
        if (term.square) {  // no longer one quadratic form alone
            term.square = false;
            term.factors = term.factors.with(2).with();
        }
    }
    // Sum of |coefficients| of a product: sqrt(n) times the Euclidean norm, which the spectral norm bounds.
    const double log_euclidean = 0.5 * (a.log_certain + a.log_certain_sum) + log_norm(norm);
    result.log_certain = std::min(log_euclidean, result.log_certain_sum);
    result.log_certain_sum = log_euclidean + 0.5 * std::log2(static_cast<double>(n_));
    return result;
}

NoiseTerm NoiseModel::product_term(const NoiseTerm& term, int repeats) const {
    const double n = static_cast<double>(n_);
    const double log_k = std::log2((1 + n * ternary_variance) / 12.0);  // variance of a coefficient of K
    NoiseTerm result;
    result.log_sigma =
        log_t_ + term.log_sigma +
        0.5 * (std::log2(n) + log_k + log_weight(term.secret_power + 1) - log_weight(term.secret_power));
    result.secret_power = term.secret_power + 1;
    result.relation = NoiseRelation::products;
    result.own_power = term.own_power;
    if (term.square) {
        result.factors = term.factors.with(2);  // e, squared; the product is linear in K
        result.own_power = 1;
        return result;
    }
    // Which factor may K be once more? The highest power is the worst.
    const auto most = static_cast<std::size_t>(std::max(repeats, 0));
    const std::size_t own = term.own_power <= most ? term.own_power : 0;
    const std::size_t repeated = std::max(term.factors.repeatable(most), own);
    if (repeated == 0) {
        result.factors = term.factors.with();
        return result;
    }
    if (repeated == NoiseFactors::highest_power) {
        throw Error("noise: a ciphertext is multiplied with its own powers more than " +
                    std::to_string(NoiseFactors::highest_power) +
                    " times in sequence; multiply powers of like degrees");
    }
    // E|K|^(2r + 2) = (r + 1) E|K|^2 E|K|^2r, and what a power of a uniform polynomial is compared with.
    result.log_sigma += 0.5 * std::log2(static_cast<double>(repeated + 1)) -
                        (repeated == 1 ? 2 : 1) * std::log2(uniform_to_gaussian);
    if (repeated == own) {
        result.own_power = own + 1;
        result.factors = term.factors;
    } else {
        result.factors = term.factors.with_repeated(most);
    }
    return result;
}

NoiseEstimate NoiseModel::multiply(const NoiseEstimate& a, const NoiseEstimate& b) const {
    if (a.final || b.final) {
        throw Error("noise: flooded ciphertexts are not multiplied; flood what is sent");
    }
    NoiseEstimate result;
    result.limbs = a.limbs;
    result.size = a.size + b.size - 1;
    result.products = std::max(a.products, b.products) + 1;
    // K of a ciphertext of more than two parts, c_0 + c_1 s + c_2 s^2: its embeddings have the mean square
    // (n/12) (1 + |s|^2 + |s|^4), at most (n/12) (1 + |s|^2)^2.
    const auto of_parts = [&](NoiseTerm term, std::size_t parts) {
        const int more = static_cast<int>(parts) - 2;
        const double log_d = std::log2(1 + static_cast<double>(n_) * ternary_variance);
        term.log_sigma +=
            0.5 * (more * log_d + log_weight(term.secret_power + more) - log_weight(term.secret_power));
        term.secret_power += more;
        return term;
    };
    // t (K e' + K' e): where the operands differ in depth, the shallower one may be a factor of the deeper
    // one, and its K stand in the deeper one's noise.
    for (const auto* pair : {&a, &b}) {
        const NoiseEstimate& with_noise = *pair;
        const NoiseEstimate& with_k = pair == &a ? b : a;
        for (const NoiseTerm& term : with_noise.terms) {
            include(result, of_parts(product_term(term, with_noise.products - with_k.products), with_k.size));
        }
        if (std::isfinite(with_noise.log_certain)) {
            // |f(zeta)| <= sum |f_j|, and K f is linear in K.
            NoiseTerm certain;
            certain.log_sigma = with_noise.log_certain_sum - 0.5 * std::log2(static_cast<double>(n_));
            certain = of_parts(product_term(certain, 0), with_k.size);
            certain.factors = {};
            certain.own_power = 1;
            include(result, certain);
        }
    }
    include(result, rounding_term(result.size), Source::independent);
    return result;
}

NoiseEstimate NoiseModel::square_unscaled(const NoiseEstimate& a) const {
    const bool fresh = a.terms.size() == 1 && a.terms.front().identical && a.products == 0 && a.size == 2;
    if (!fresh || a.limbs != max_limbs()) {
        throw Error(
            "noise: unscaled squares are modelled for sums of fresh symmetric encryptions with integer or "
            "monomial weights alone; use square() for others");
    }
    const double log_e = a.terms.front().log_sigma;
    NoiseEstimate result;
    result.limbs = a.limbs;
    result.size = 3;
    result.products = 1;
    NoiseTerm square;
    square.log_sigma = log_t_ + 2 * log_e + 0.5 * std::log2(2 * static_cast<double>(n_));
    square.relation = NoiseRelation::squares;
    square.square = true;
    result.terms = {square};
    if (std::isfinite(a.log_certain)) {  // (e + f)^2 = e^2 + 2 e f + f^2
        NoiseTerm mixed;
        mixed.log_sigma = log_t_ + 1 + log_e + a.log_certain_sum;  // |f(zeta)| is at most that
        result.terms.push_back(mixed);
        result.log_certain = log_t_ + a.log_certain + a.log_certain_sum;
        result.log_certain_sum = log_t_ + 2 * a.log_certain_sum;
    }
    return result;
}

NoiseEstimate NoiseModel::relinearize(const NoiseEstimate& a) const {
    NoiseEstimate result = rotate(a);
    result.size = 2;
    return a.size == 2 ? a : result;
}

NoiseEstimate NoiseModel::rotate(const NoiseEstimate& a) const {
    NoiseEstimate result = a;
    include(result, key_switch_term(a.limbs), Source::independent);
    return result;
}

NoiseEstimate NoiseModel::sum_of_rotated_products(const NoiseEstimate& a, std::size_t count,
                                                  double norm) const {
    return rotate(multiply_plain(linear(rotate(a), static_cast<double>(count)), norm));
}

NoiseEstimate NoiseModel::mod_switch_to(const NoiseEstimate& a, std::size_t limbs) const {
    NoiseEstimate result = a;
    result.limbs = limbs;
    // Dropping one prime at a time rounds each time; the earlier roundings shrink with the later primes.
    const NoiseTerm rounding = rounding_term(a.size);
    for (std::size_t l = a.limbs; l > limbs; --l) {
        for (NoiseTerm& term : result.terms) {
            term.log_sigma -= log_data_[l - 1];
        }
        result.log_certain -= log_data_[l - 1];
        result.log_certain_sum -= log_data_[l - 1];
        include(result, rounding, Source::independent);
    }
    return result;
}

double NoiseModel::log_bound(const NoiseEstimate& a) const {
    double bound = a.log_certain;
    for (const NoiseTerm& term : a.terms) {
        bound = log_add(bound, term.log_sigma + log_deviations(term));
    }
    return bound;
}

double NoiseModel::budget(const NoiseEstimate& a) const {
    return std::min(log_q(a.limbs) - 1 - log_t_ - log_bound(a), log_q(a.limbs) - 1);
}

double NoiseModel::log_rounding_bound() const {
    const NoiseTerm rounding = rounding_term(2);
    return rounding.log_sigma + log_deviations(rounding);
}

double spectral_norm(const Plaintext& plaintext) {
    std::vector<double> coefficients(plaintext.n());
    for (std::size_t j = 0; j < plaintext.n(); ++j) {
        coefficients[j] = static_cast<double>(plaintext.centred(j));
    }
    double largest = 0;
    for (const std::complex<double>& value : embed(coefficients)) {
        largest = std::max(largest, std::abs(value));
    }
    return largest;
}

}  // namespace lacuna
