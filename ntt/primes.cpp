// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/primes.h>

#include <algorithm>
#include <bit>
#include <string>

#include <gmpxx.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

bool is_prime(std::uint64_t value) {
    // Baillie-PSW, which mpz_probab_prime_p runs first, has no counterexample below 2^64.
    return mpz_probab_prime_p(to_mpz(value).get_mpz_t(), 25) != 0;
}

std::vector<std::uint64_t> ntt_primes(std::size_t n, int bits, std::size_t count,
                                      std::span<const std::uint64_t> excluded) {
    if (!std::has_single_bit(n) || bits < 2 || bits > max_modulus_bits) {
        throw Error("NTT primes: expected n a power of two and 2 ... 50 bits, found n = " +
                    std::to_string(n) + ", " + std::to_string(bits) + " bits");
    }
    std::vector<std::uint64_t> primes;
    const std::uint64_t step = 2 * n;
    const std::uint64_t lower = std::uint64_t{1} << (bits - 1);
    const std::uint64_t upper = (std::uint64_t{1} << bits) - 1;
    if (upper >= step + 1) {
        std::uint64_t candidate = (upper - 1) / step * step + 1;
        for (; primes.size() < count && candidate >= lower && candidate > 1; candidate -= step) {
            if (std::find(excluded.begin(), excluded.end(), candidate) == excluded.end() &&
                is_prime(candidate)) {
                primes.push_back(candidate);
            }
        }
    }
    if (primes.size() < count) {
        throw Error("NTT primes: there are only " + std::to_string(primes.size()) + " of " +
                    std::to_string(bits) + " bits that are 1 modulo " + std::to_string(step) + ", " +
                    std::to_string(count) + " are needed; use another size or a smaller n");
    }
    return primes;
}

std::uint64_t primitive_root(std::size_t n, const Modulus& q) {
    const std::uint64_t order = 2 * n;
    if (!std::has_single_bit(n) || (q.value() - 1) % order != 0 || !is_prime(q.value())) {
        throw Error("primitive root: expected n a power of two and a prime q = 1 mod 2n, found n = " +
                    std::to_string(n) + ", q = " + std::to_string(q.value()));
    }
    const std::uint64_t cofactor = (q.value() - 1) / order;
    std::uint64_t root = 0;
    for (std::uint64_t x = 2; root == 0; ++x) {
        const std::uint64_t candidate = q.power(q.reduce(x), cofactor);
        // Its order divides 2n, a power of two, so it is 2n exactly where the n-th power is not 1.
        if (q.power(candidate, n) == q.value() - 1) {
            root = candidate;
        }
    }
    // The primitive 2n-th roots are the odd powers of any one of them.
    const std::uint64_t square = q.multiply(root, root);
    std::uint64_t smallest = root;
    for (std::size_t i = 1; i < n; ++i) {
        root = q.multiply(root, square);
        smallest = std::min(smallest, root);
    }
    return smallest;
}

}  // namespace lacuna
