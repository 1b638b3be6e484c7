// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/ring_parameters.h>

#include <bit>
#include <set>

#include <gmpxx.h>

#include <lacuna/he/rlwe/parameter_problems.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

namespace {

void check_primes(std::size_t n, const std::vector<std::uint64_t>& primes, const char* name,
                  ParameterProblems& problems) {
    for (const std::uint64_t prime : primes) {
        if (prime >> max_modulus_bits != 0 || prime < 2 || prime % (2 * n) != 1 || !is_prime(prime)) {
            problems.add(std::string(name) + ": expected primes below 2^50 that are 1 modulo 2n = " +
                         std::to_string(2 * n) + ", found " + std::to_string(prime) + "; give " + name +
                         " by size in bits and the library picks them");
        }
    }
}

}  // namespace

void ParameterProblems::raise() const {
    if (!text_.empty()) {
        throw Error("parameters: these do not fit together:" + text_);
    }
}

void check_degree(std::size_t n, ParameterProblems& problems) {
    if (!std::has_single_bit(n) || n < min_ntt_size || n > max_ntt_size) {
        problems.add("n: expected a power of two in 16 ... 32768, found " + std::to_string(n) +
                     "; 8192 suits two multiplications, 16384 four or five");
        problems.raise();
    }
}

void choose_primes(std::size_t n, std::vector<int>& bits, std::vector<std::uint64_t>& primes,
                   std::vector<std::uint64_t>& taken, const char* name, ParameterProblems& problems) {
    if (!bits.empty() && !primes.empty()) {
        problems.add(std::string(name) + "_bits and " + name + "_primes are both given; give one of them");
        return;
    }
    for (const int size : bits) {
        if (size < 2 || size > max_modulus_bits) {
            problems.add(std::string(name) + "_bits: expected sizes of 2 ... 50 bits, found " +
                         std::to_string(size));
            continue;
        }
        try {
            primes.push_back(ntt_primes(n, size, 1, taken).front());
            taken.push_back(primes.back());
        } catch (const Error& error) {
            problems.add(std::string(name) + "_bits: " + error.what());
        }
    }
    bits.clear();
}

void check_primes(const RingParameters& parameters, ParameterProblems& problems) {
    check_primes(parameters.n, parameters.data_primes, "data_primes", problems);
    check_primes(parameters.n, parameters.special_primes, "special_primes", problems);
    if (parameters.data_primes.empty() && problems.none()) {
        problems.add(
            "data_bits: there are no ciphertext primes; give at least one, for example [50, 50, 50]");
    }
    const std::size_t count = parameters.data_primes.size() + parameters.special_primes.size();
    if (count > max_ring_primes) {
        problems.add("data and special primes: expected at most " + std::to_string(max_ring_primes) +
                     ", found " + std::to_string(count));
    }
    std::set<std::uint64_t> seen;
    for (const auto* list : {&parameters.data_primes, &parameters.special_primes}) {
        for (const std::uint64_t prime : *list) {
            if (!seen.insert(prime).second) {
                problems.add("the prime " + std::to_string(prime) + " occurs twice; primes must differ");
            }
        }
    }
}

void check_digits(const RingParameters& parameters, ParameterProblems& problems) {
    if (parameters.digit_limbs < 1 || parameters.digit_limbs > max_ring_primes) {
        problems.add("digit_limbs: expected 1 ... " + std::to_string(max_ring_primes) + ", found " +
                     std::to_string(parameters.digit_limbs));
    }
}

void check_security(const RingParameters& parameters, ParameterProblems& problems) {
    if (parameters.allow_insecure) {
        return;
    }
    if (parameters.security != 128 && parameters.security != 192 && parameters.security != 256) {
        problems.add("security: expected 128, 192 or 256, found " + std::to_string(parameters.security));
        return;
    }
    mpz_class qp = 1;
    for (const auto* list : {&parameters.data_primes, &parameters.special_primes}) {
        for (const std::uint64_t prime : *list) {
            qp *= to_mpz(prime);
        }
    }
    const std::size_t log_qp = mpz_sizeinbase(qp.get_mpz_t(), 2);
    const int limit = max_log_qp(parameters.n, parameters.security);
    if (limit == 0) {
        problems.add("n: the 2024 guidelines list no modulus for n = " + std::to_string(parameters.n) +
                     " at " + std::to_string(parameters.security) +
                     " bits; use n = 1024 ... 32768, or say allow_insecure for experiments");
    } else if (log_qp > static_cast<std::size_t>(limit)) {
        problems.add("security: log2(QP) = " + std::to_string(log_qp) +
                     ", but n = " + std::to_string(parameters.n) + " gives " +
                     std::to_string(parameters.security) + " bits only up to " + std::to_string(limit) +
                     " (2024 guidelines, special primes counted); use smaller or fewer primes, a larger n, "
                     "or say allow_insecure for experiments");
    }
}

RingParameters resolve_ring(const RingParameters& parameters) {
    RingParameters resolved = parameters;
    ParameterProblems problems;
    check_degree(parameters.n, problems);
    std::vector<std::uint64_t> taken = parameters.data_primes;
    taken.insert(taken.end(), parameters.special_primes.begin(), parameters.special_primes.end());
    choose_primes(parameters.n, resolved.data_bits, resolved.data_primes, taken, "data", problems);
    choose_primes(parameters.n, resolved.special_bits, resolved.special_primes, taken, "special", problems);
    check_primes(resolved, problems);
    const bool primes_valid = problems.none();  // so that Q and P can be judged as well
    check_digits(resolved, problems);
    if (primes_valid) {
        check_security(resolved, problems);
    }
    problems.raise();
    return resolved;
}

}  // namespace lacuna
