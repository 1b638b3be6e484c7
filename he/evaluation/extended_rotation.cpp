// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/extended_rotation.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna::detail {

std::vector<ShoupFactor> special_factors(const Ring& ring, std::size_t limbs) {
    const mpz_class p = ring.special().product();
    std::vector<ShoupFactor> factors;
    for (std::size_t i = 0; i < limbs; ++i) {
        const Modulus& q = ring.data().modulus(i);
        factors.emplace_back(residue(p, q), q);
    }
    return factors;
}

void check_keys(const char* operation, const Ring& ring, const GaloisKeys& keys) {
    if (keys.ring != ring.hash()) {
        throw Error(std::string(operation) +
                    ": the Galois keys belong to other parameters; load them with their own");
    }
}

std::size_t pieces_for(int threads, std::size_t primes) {
    const auto t = static_cast<std::size_t>(std::max(threads, 1));
    return t / std::gcd(t, primes);
}

void rotate(const Ring& ring, const Rotation& rotation, std::size_t limbs, std::size_t i, Rows& rows,
            std::array<std::uint64_t*, 2> out, bool accumulate) {
    const std::size_t n = ring.n();
    const Modulus& q = ring.key_basis().modulus(extended_prime(ring, limbs, i));
    const Kernels& kernels = ring.kernels();
    rotation.digits->multiply(rotation.entry->key, i, rows.b.data(), rows.a.data());
    if (rotation.c0 != nullptr) {
        kernels.add(rows.b.data(), rows.b.data(), rotation.c0, n, q);
    }
    const std::uint32_t* const index = rotation.entry->automorphism.ntt_index();
    for (std::size_t part = 0; part < 2; ++part) {
        const std::uint64_t* const row = part == 0 ? rows.b.data() : rows.a.data();
        if (!accumulate) {
            kernels.gather(out[part], row, index, n);
            continue;
        }
        kernels.gather(rows.turned.data(), row, index, n);
        kernels.add(out[part], out[part], rows.turned.data(), n, q);
    }
}

Ciphertext ciphertext_of(const Ciphertext& like, Switched parts, Form form) {
    Ciphertext result;
    result.ring = like.ring;
    result.t = like.t;
    for (RnsPolynomial& part : parts) {
        part.set_form(form);
        result.parts.push_back(std::move(part));
    }
    return result;
}

}  // namespace lacuna::detail
