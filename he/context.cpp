// SPDX-License-Identifier: Apache-2.0
#include "he/context.h"

#include <algorithm>
#include <string>

#include "ntt/error.h"
#include "ntt/primes.h"

namespace lacuna {

PlaintextSpace::PlaintextSpace(const Ring& ring, std::uint64_t t) : modulus_(t) {
    if (t % (2 * ring.n()) == 1 && is_prime(t)) {
        batching_.emplace(ring.n(), modulus_, ring.kernels());
    }
    mpz_class q = 1;
    std::vector<Modulus> data;
    for (std::size_t i = 0; i < ring.max_limbs(); ++i) {
        const Modulus& prime = ring.data().modulus(i);
        data.push_back(prime);
        q *= to_mpz(prime.value());
        q_mod_t_.emplace_back(residue(q, modulus_), modulus_);
        minus_inverse_t_.emplace_back(prime.negate(prime.inverse(prime.reduce(t))), prime);
        std::vector<Modulus> auxiliary;
        for (std::size_t k = 0; k < ring.auxiliary_count(i + 1); ++k) {
            auxiliary.push_back(ring.auxiliary().modulus(k));
        }
        for (std::size_t drop = 0; drop < std::min<std::size_t>(2, i + 1); ++drop) {
            product_scalers_[drop].emplace_back(data, auxiliary, to_mpz(t), drop, ring.kernels());
        }
        plain_scalers_.emplace_back(data, modulus_, ring.kernels());
    }
}

const NttTables& PlaintextSpace::batching_tables() const {
    if (!batching_) {
        throw Error(
            "batching: t = " + std::to_string(modulus_.value()) +
            " is not a prime that is 1 modulo 2n; give plain_bits, and the library picks one that is");
    }
    return *batching_;
}

std::uint64_t PlaintextSpace::scaled(const Ring& ring, std::uint64_t m, std::size_t limbs,
                                     std::size_t i) const {
    // round(Q m / t) = (Q m - [Q m]_t) / t with the centred remainder, and Q m is 0 modulo q_i.
    const Modulus& q = ring.data().modulus(i);
    const std::int64_t remainder = modulus_.centre(q_mod_t_[limbs - 1].multiply(m, modulus_.value()));
    return minus_inverse_t_[i].multiply(q.reduce_signed(remainder), q.value());
}

void PlaintextSpace::add_scaled(const Ring& ring, const std::uint64_t* m, std::size_t limbs, std::size_t i,
                                std::uint64_t* limb, bool subtract, const std::uint64_t* thresholds) const {
    const Modulus& q = ring.data().modulus(i);
    const Kernels& kernels = ring.kernels();
    const std::size_t n = ring.n();
    const std::uint64_t t = modulus_.value();
    Buffer words = Buffer::uninitialised(n, Secrecy::secret);
    kernels.multiply_scalar(words.data(), m, n, q_mod_t_[limbs - 1], modulus_);
    // Round without a branch on the message, then lift modulo q_i: r - t, which is rounding up, above t/2 or
    // the threshold.
    const std::uint64_t minus_t = q.negate(q.reduce(t));
    if (t <= q.value()) {
        for (std::size_t j = 0; j < n; ++j) {
            const std::uint64_t limit = thresholds == nullptr ? t / 2 : thresholds[j];
            const std::uint64_t above = std::uint64_t{0} - ((limit - words[j]) >> 63);
            words[j] += above & minus_t;  // < t + q, below 2^51
        }
    } else {
        for (std::size_t j = 0; j < n; ++j) {
            const std::uint64_t limit = thresholds == nullptr ? t / 2 : thresholds[j];
            const std::uint64_t above = std::uint64_t{0} - ((limit - words[j]) >> 63);
            words[j] = q.reduce(words[j]) + (above & minus_t);
        }
    }
    kernels.multiply_scalar(words.data(), words.data(), n, minus_inverse_t_[i], q);
    if (subtract) {
        kernels.subtract(limb, limb, words.data(), n, q);
    } else {
        kernels.add(limb, limb, words.data(), n, q);
    }
}

Context::Context(const Parameters& parameters, const Kernels& kernels) {
    const Parameters resolved = resolve(parameters);
    ring_ = std::make_shared<const Ring>(resolved, kernels);
    for (const std::uint64_t t : resolved.plain_moduli) {
        spaces_.emplace_back(*ring_, t);
    }
}

Context::Context(std::shared_ptr<const Ring> ring, const std::vector<std::uint64_t>& plain_moduli)
    : ring_(std::move(ring)) {
    for (const std::uint64_t t : plain_moduli) {
        if (ring_->data().product() <= 2 * to_mpz(t)) {
            throw Error("plain modulus " + std::to_string(t) +
                        " leaves no room below Q; use a ring with more data primes");
        }
        for (std::size_t i = 0; i < ring_->max_limbs(); ++i) {
            if (t % ring_->data().modulus(i).value() == 0) {
                throw Error("plain modulus " + std::to_string(t) +
                            " shares a factor with a data prime; choose a t coprime to all of them");
            }
        }
        spaces_.emplace_back(*ring_, t);
    }
}

const PlaintextSpace& Context::plain(std::size_t index) const {
    if (index >= spaces_.size()) {
        throw Error("context: expected a plaintext modulus number below " + std::to_string(spaces_.size()) +
                    ", found " + std::to_string(index));
    }
    return spaces_[index];
}

const PlaintextSpace& Context::plain_for(std::uint64_t t) const {
    for (const PlaintextSpace& space : spaces_) {
        if (space.modulus().value() == t) {
            return space;
        }
    }
    throw Error("context: it has no plaintext modulus " + std::to_string(t) +
                "; the ciphertext or plaintext was made under other parameters");
}

}  // namespace lacuna
