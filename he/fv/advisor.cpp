// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/advisor.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <string>

#include <lacuna/he/fv/noise.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/modulus.h>
#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

std::vector<int> even_chain(int total) {
    if (total < 1) {
        throw Error("even_chain: expected at least 1 bit, found " + std::to_string(total));
    }
    const int count = (total + max_modulus_bits - 1) / max_modulus_bits;
    std::vector<int> bits(static_cast<std::size_t>(count), total / count);
    for (int i = 0; i < total % count; ++i) {
        ++bits[static_cast<std::size_t>(i)];
    }
    return bits;
}

namespace {

/// Whether the circuit decrypts for certain. Sizes in bits are taken for the primes themselves.
bool fits(const Parameters& parameters, const Requirements& requirements) {
    const NoiseModel model(parameters, requirements.plain_bits);
    NoiseEstimate noise = model.fresh_public();
    for (int i = 0; i < requirements.depth; ++i) {
        noise = model.linear(noise, requirements.fan_in);
        if (model.budget(noise) <= 0) {
            return false;
        }
        noise = model.relinearize(model.multiply(noise, noise));
    }
    return model.budget(model.linear(noise, requirements.fan_in)) > 0;
}

/// Primes of few bits lie well below 2^bits, and some sizes have none, so the sizes alone promise too much.
std::optional<Parameters> try_resolve(const Parameters& parameters) {
    try {
        return resolve(parameters);
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool has_prime(std::size_t n, int bits) {
    try {
        return ntt_primes(n, bits, 1).size() == 1;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

Parameters advise(const Requirements& requirements) {
    if (requirements.depth < 0 || requirements.plain_bits < 2 || requirements.plain_bits > max_modulus_bits ||
        !(requirements.fan_in >= 1 && std::isfinite(requirements.fan_in))) {
        throw Error(
            "advisor: expected a depth of at least 0, a plaintext modulus of 2 ... 50 bits and a fan-in of "
            "at least 1, found " +
            std::to_string(requirements.depth) + ", " + std::to_string(requirements.plain_bits) + " and " +
            std::to_string(requirements.fan_in));
    }
    if (max_log_qp(max_ntt_size, requirements.security) == 0) {
        throw Error("advisor: expected 128, 192 or 256 bits of security, found " +
                    std::to_string(requirements.security));
    }
    for (std::size_t n = 1024; n <= max_ntt_size; n *= 2) {
        const int limit = max_log_qp(n, requirements.security);
        // Primes are 1 mod 2n, so the smallest sizes have none.
        const int smallest_prime = std::countr_zero(n) + 4;
        if (requirements.batching && !has_prime(n, requirements.plain_bits)) {
            throw Error("advisor: batching needs a plaintext prime that is 1 modulo 2n, and at n = " +
                        std::to_string(n) + " there is none of " + std::to_string(requirements.plain_bits) +
                        " bits; ask for more bits or for no batching");
        }
        for (int total = std::max(requirements.plain_bits + 2, smallest_prime); total <= limit; ++total) {
            Parameters parameters;
            parameters.n = n;
            parameters.security = requirements.security;
            parameters.data_bits = even_chain(total);
            if (requirements.depth > 0) {
                parameters.special_bits = {parameters.data_bits.front()};
            }
            const int special = parameters.special_bits.empty() ? 0 : parameters.special_bits.front();
            if (total + special > limit || parameters.data_bits.back() < smallest_prime) {
                continue;
            }
            if (!fits(parameters, requirements)) {
                continue;
            }
            if (requirements.batching) {
                parameters.plain_bits = {requirements.plain_bits};
            } else {
                parameters.plain_moduli = {std::uint64_t{1} << (requirements.plain_bits - 1)};
            }
            if (const std::optional<Parameters> resolved = try_resolve(parameters);
                resolved && fits(*resolved, requirements)) {
                return *resolved;
            }
        }
    }
    throw Error("advisor: depth " + std::to_string(requirements.depth) + " with a plaintext modulus of " +
                std::to_string(requirements.plain_bits) + " bits does not fit n = 32768 at " +
                std::to_string(requirements.security) +
                " bits of security; use a smaller plaintext modulus (several joined by CRT), or fewer "
                "multiplications in sequence");
}

}  // namespace lacuna
