// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/key_match.h>

#include <algorithm>
#include <cstdint>

#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/automorphism.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sampler.h>

namespace lacuna {

namespace {

/// Whether b + a s - P s' is small modulo key prime i; without s', whether b + a s is. All in NTT form.
bool is_small(const Ring& ring, std::size_t i, const RnsPolynomial& b, const RnsPolynomial& a,
              const RnsPolynomial& secret, const RnsPolynomial* message) {
    const std::size_t n = ring.n();
    const NttTables& tables = ring.key_basis().tables(i);
    const Modulus& q = tables.modulus();
    Buffer phase = Buffer::uninitialised(n, Secrecy::secret);
    ring.kernels().multiply(phase.data(), a.limb(i), secret.limb(i), n, q);
    ring.kernels().add(phase.data(), phase.data(), b.limb(i), n, q);
    if (message != nullptr) {
        Buffer product = Buffer::uninitialised(n, Secrecy::secret);
        const std::uint64_t p = residue(ring.special().product(), q);
        ring.kernels().multiply_scalar(product.data(), message->limb(i), n, ShoupFactor(p, q), q);
        ring.kernels().subtract(phase.data(), phase.data(), product.data(), n, q);
    }
    tables.inverse(phase.span());
    std::uint64_t large = 0;
    for (const std::uint64_t word : phase.span()) {
        large |= std::uint64_t{word > error_bound} & std::uint64_t{q.value() - word > error_bound};
    }
    return large == 0;
}

/// From `message` to `secret`.
bool matches(const Ring& ring, const KeySwitchKey& key, const RnsPolynomial& secret,
             const RnsPolynomial& message) {
    const std::size_t limbs = key_limbs(ring, key);
    if (limbs == 0 || limbs > ring.max_limbs() || key.digits.size() != ring.digits(limbs)) {
        return false;
    }
    bool all = true;
    for (std::size_t d = 0; d < key.digits.size(); ++d) {
        all =
            is_small(ring, d * ring.digit_limbs(), key.digits[d].b, key.digits[d].a, secret, &message) && all;
    }
    return all;
}

void check_secret(const Ring& ring, const SecretKey& secret) {
    if (secret.ring != ring.hash()) {
        throw Error("keys: the secret key belongs to other parameters; load it with its own");
    }
}

}  // namespace

bool matches(const Ring& ring, const SecretKey& secret, const PublicKey& key) {
    check_secret(ring, secret);
    return key.ring == ring.hash() && is_small(ring, 0, key.b, key.a, secret.s, nullptr);
}

bool matches(const Ring& ring, const SecretKey& secret, const EvaluationKeys& keys) {
    check_secret(ring, secret);
    if (keys.ring != ring.hash() || (keys.relin_keys && keys.relin_keys->ring != ring.hash()) ||
        (!keys.galois_keys.entries.empty() && keys.galois_keys.ring != ring.hash())) {
        return false;
    }
    bool all = true;
    if (keys.public_key) {
        all = matches(ring, secret, *keys.public_key) && all;
    }
    if (keys.relin_keys) {
        RnsPolynomial square = secret.s;
        multiply(ring.key_basis(), secret.s, secret.s, square);
        all = matches(ring, keys.relin_keys->key, secret.s, square) && all;
    }
    for (const auto& [element, entry] : keys.galois_keys.entries) {
        RnsPolynomial rotated = secret.s;
        Automorphism(ring.n(), inverse_element(ring.n(), element)).apply(ring.key_basis(), secret.s, rotated);
        all = matches(ring, entry.key, rotated, secret.s) && all;
    }
    return all;
}

std::optional<bool> holds(const EvaluationKeys& keys, const PublicKey& key) {
    if (!keys.public_key) {
        return std::nullopt;
    }
    return keys.public_key->ring == key.ring && keys.public_key->seed == key.seed &&
           keys.public_key->b == key.b;
}

}  // namespace lacuna
