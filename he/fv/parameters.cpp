// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/parameters.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include <gmpxx.h>

#include <lacuna/he/fv/noise.h>
#include <lacuna/he/rlwe/parameter_problems.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/ntt/primes.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

constexpr std::size_t max_plain_moduli = 64;
/// What Scaler takes.
constexpr std::size_t max_product_primes = 60;

/// Whether the special primes alone are to blame where a fresh encryption no longer decrypts after key
/// switching at the top level: with P^2 in place of P it would. Lower levels with digits of several primes
/// ask for more.
bool special_primes_are_too_small(const Parameters& parameters) {
    double log_t = 1;
    for (const PlainModulus& t : all_plain_moduli(parameters)) {
        log_t = std::max(log_t, t.log_bound());
    }
    const auto leaves_room = [&](const Parameters& tried) {
        const NoiseModel noise(tried, log_t);
        return noise.budget(noise.rotate(noise.fresh_symmetric())) > 0;
    };
    Parameters squared = parameters;
    squared.special_primes.insert(squared.special_primes.end(), parameters.special_primes.begin(),
                                  parameters.special_primes.end());
    return !leaves_room(parameters) && leaves_room(squared);
}

void check_binomials(const Parameters& parameters, bool primes_valid, ParameterProblems& problems) {
    std::vector<PlainModulus> seen;
    const std::vector<std::uint64_t> none;
    for (const PlainModulus& t : parameters.plain_polynomials) {
        const std::string problem =
            binomial_problem(t, parameters.n, primes_valid ? parameters.data_primes : none);
        if (!problem.empty()) {
            problems.add("plain_polynomials: " + problem);
        } else if (std::find(seen.begin(), seen.end(), t) != seen.end()) {
            problems.add("plain_polynomials: " + to_string(t) + " occurs twice; give it once");
        }
        seen.push_back(t);
    }
}

}  // namespace

Parameters::operator RingParameters() const {
    return {.n = n,
            .data_bits = data_bits,
            .data_primes = data_primes,
            .special_bits = special_bits,
            .special_primes = special_primes,
            .digit_limbs = digit_limbs,
            .security = security,
            .allow_insecure = allow_insecure};
}

std::vector<PlainModulus> all_plain_moduli(const Parameters& parameters) {
    std::vector<PlainModulus> all;
    for (const std::uint64_t t : parameters.plain_moduli) {
        all.emplace_back(t);
    }
    all.insert(all.end(), parameters.plain_polynomials.begin(), parameters.plain_polynomials.end());
    return all;
}

namespace {

/// How many plain moduli there are, and which integers they are.
void check_plain_moduli(const Parameters& resolved, bool primes_valid, ParameterProblems& problems) {
    const std::size_t plain_count = resolved.plain_moduli.size() + resolved.plain_polynomials.size();
    if (plain_count > max_plain_moduli) {
        problems.add("plain moduli: expected at most " + std::to_string(max_plain_moduli) + ", found " +
                     std::to_string(plain_count));
    }
    std::set<std::uint64_t> seen_plain;
    for (const std::uint64_t t : resolved.plain_moduli) {
        if (t < 2 || t >> max_modulus_bits != 0) {
            problems.add("plain_moduli: expected 2 <= t < 2^50, found " + std::to_string(t));
        } else if (!seen_plain.insert(t).second) {
            problems.add("plain_moduli: " + std::to_string(t) + " occurs twice; give it once");
        } else if (primes_valid && std::any_of(resolved.data_primes.begin(), resolved.data_primes.end(),
                                               [t](std::uint64_t q) { return t % q == 0; })) {
            problems.add("plain_moduli: " + std::to_string(t) +
                         " shares a factor with a data prime; choose a t coprime to all of them");
        }
    }
}

/// Whether Q and P, of valid primes, hold what key switching and multiplication put into them.
void check_room(const Parameters& resolved, ParameterProblems& problems) {
    mpz_class q = 1;
    mpz_class p = 1;
    mpz_class largest_digit = 1;
    mpz_class digit = 1;
    for (std::size_t i = 0; i < resolved.data_primes.size(); ++i) {
        digit = i % std::max<std::size_t>(resolved.digit_limbs, 1) == 0 ? mpz_class(1) : digit;
        digit *= to_mpz(resolved.data_primes[i]);
        q *= to_mpz(resolved.data_primes[i]);
        largest_digit = std::max(largest_digit, digit);
    }
    for (const std::uint64_t prime : resolved.special_primes) {
        p *= to_mpz(prime);
    }
    if (problems.none() && !resolved.special_primes.empty() && special_primes_are_too_small(resolved)) {
        problems.add("special primes: their product has " + std::to_string(mpz_sizeinbase(p.get_mpz_t(), 2)) +
                     " bits, a key-switching digit " +
                     std::to_string(mpz_sizeinbase(largest_digit.get_mpz_t(), 2)) +
                     ": switching the key of a fresh ciphertext drowns the message; use larger or more "
                     "special primes, or a smaller digit_limbs");
    }
    // Multiplication works modulo the data primes and as many helper primes just below 2^50 as n Q needs.
    // A binomial takes a little more, by |b| + 1.
    const std::size_t growth =
        resolved.plain_polynomials.empty() ? 0 : std::bit_width(std::uint64_t{max_plain_base});
    const std::size_t helpers =
        (mpz_sizeinbase(q.get_mpz_t(), 2) + std::bit_width(resolved.n) + growth) / max_modulus_bits + 1;
    if (resolved.data_primes.size() + helpers > max_product_primes) {
        problems.add("data primes: " + std::to_string(resolved.data_primes.size()) + " of them, with the " +
                     std::to_string(helpers) + " helper primes of a multiplication, are more than " +
                     std::to_string(max_product_primes) + "; use fewer, larger ones");
    }
    for (const std::uint64_t t : resolved.plain_moduli) {
        if (q <= 2 * to_mpz(t)) {
            problems.add("plain_moduli: t = " + std::to_string(t) +
                         " leaves no room below Q; use more data primes");
        }
    }
}

}  // namespace

Parameters resolve(const Parameters& parameters) {
    Parameters resolved = parameters;
    ParameterProblems problems;
    const std::size_t n = parameters.n;
    check_degree(n, problems);
    std::vector<std::uint64_t> taken;
    for (const auto* list : {&parameters.data_primes, &parameters.special_primes, &parameters.plain_moduli}) {
        taken.insert(taken.end(), list->begin(), list->end());
    }
    choose_primes(n, resolved.data_bits, resolved.data_primes, taken, "data", problems);
    choose_primes(n, resolved.special_bits, resolved.special_primes, taken, "special", problems);
    std::vector<std::uint64_t> chosen_plain;
    choose_primes(n, resolved.plain_bits, chosen_plain, taken, "plain", problems);
    resolved.plain_moduli.insert(resolved.plain_moduli.end(), chosen_plain.begin(), chosen_plain.end());

    check_primes(resolved, problems);
    const bool primes_valid = problems.none();  // so that Q and P can be judged as well
    check_digits(resolved, problems);
    check_plain_moduli(resolved, primes_valid, problems);
    check_binomials(resolved, primes_valid, problems);
    if (!primes_valid) {
        problems.raise();
    }

    check_room(resolved, problems);
    check_security(resolved, problems);
    problems.raise();
    return resolved;
}

}  // namespace lacuna
