// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/key_generator.h>

#include <algorithm>
#include <string>
#include <vector>

#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/he/rlwe/secret_bound.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/parallel.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sampler.h>

namespace lacuna {

namespace {

/// Replaces b by -(a s + e) with fresh noise, all in NTT form modulo a basis of key primes.
void mask(const Ring& ring, const RnsBasis& basis, const RnsPolynomial& secret, const RnsPolynomial& a,
          RandomStream& noise, RnsPolynomial& b) {
    const Buffer error = sample_error(ring.n(), noise, ring.kernels());
    b = RnsPolynomial::uninitialised(ring.n(), basis.size(), Form::coefficient);
    set_signed(basis, error.data(), b);
    to_ntt(basis, b);
    multiply_add(basis, a, secret, b);
    negate(basis, b, b);
}

/// Of a polynomial modulo all key primes, those of keys for so many limbs.
RnsPolynomial rows_of(const Ring& ring, const RnsPolynomial& whole, std::size_t limbs) {
    const std::size_t special = ring.special().size();
    RnsPolynomial rows =
        RnsPolynomial::uninitialised(ring.n(), limbs + special, whole.form(), Secrecy::secret);
    for (std::size_t i = 0; i < limbs + special; ++i) {
        std::copy_n(whole.limb(extended_prime(ring, limbs, i)), ring.n(), rows.limb(i));
    }
    return rows;
}

}  // namespace

KeyGenerator::KeyGenerator(std::shared_ptr<const Ring> ring) : ring_(std::move(ring)) {
    RandomStream stream = RandomStream::secret();
    const SecretBound bound(ring_->n());
    Buffer ternary;
    do {  // the noise bound rests on what is checked here
        ternary = sample_ternary(ring_->n(), stream);
    } while (!bound.accepts({reinterpret_cast<const std::int64_t*>(ternary.data()), ring_->n()}));
    SecretKey secret;
    secret.ring = ring_->hash();
    secret.s = RnsPolynomial::uninitialised(ring_->n(), ring_->key_basis().size(), Form::coefficient,
                                            Secrecy::secret);
    set_signed(ring_->key_basis(), ternary.data(), secret.s);
    to_ntt(ring_->key_basis(), secret.s);
    secret_ = std::make_shared<const SecretKey>(std::move(secret));
}

KeyGenerator::KeyGenerator(std::shared_ptr<const Ring> ring, SecretKey secret)
    : ring_(std::move(ring)), secret_(std::make_shared<const SecretKey>(std::move(secret))) {
    if (secret_->ring != ring_->hash()) {
        throw Error("key generator: the secret key belongs to other parameters; load it with its own");
    }
}

PublicKey KeyGenerator::public_key() const {
    PublicKey key;
    key.ring = ring_->hash();
    key.seed = public_seed();
    expand(*ring_, key);
    RandomStream noise = RandomStream::secret();
    mask(*ring_, ring_->key_basis(), secret_->s, key.a, noise, key.b);
    return key;
}

KeySwitchKey KeyGenerator::key_switch_key(const RnsPolynomial& from, const RnsPolynomial& to,
                                          std::size_t limbs, int threads) const {
    if (ring_->special().size() == 0) {
        throw Error("key generator: relinearisation and rotation need special primes; add special_bits");
    }
    const RnsBasis basis = key_primes(*ring_, limbs);
    const RnsPolynomial secret = rows_of(*ring_, to, limbs);
    const mpz_class p = ring_->special().product();
    KeySwitchKey key;
    key.seed = public_seed();
    key.digits.resize(ring_->digits(limbs));
    std::vector<RandomStream> noises;
    for (std::size_t d = 0; d < key.digits.size(); ++d) {
        noises.push_back(RandomStream::secret());
    }
    parallel_for(key.digits.size(), threads, [&](std::size_t d) {
        KeySwitchKey::Digit& digit = key.digits[d];
        digit.a = RnsPolynomial::uninitialised(ring_->n(), basis.size(), Form::ntt);
        sample_uniform(basis, key.seed, d * key_stream_stride, digit.a);
        mask(*ring_, basis, secret, digit.a, noises[d], digit.b);
        const std::size_t begin = d * ring_->digit_limbs();
        for (std::size_t i = begin; i < std::min(begin + ring_->digit_limbs(), limbs); ++i) {
            const Modulus& q = basis.modulus(i);
            Buffer product = Buffer::uninitialised(ring_->n(), Secrecy::secret);
            ring_->kernels().multiply_scalar(product.data(), from.limb(i), ring_->n(),
                                             ShoupFactor(residue(p, q), q), q);
            ring_->kernels().add(digit.b.limb(i), digit.b.limb(i), product.data(), ring_->n(), q);
        }
    });
    return key;
}

RelinKeys KeyGenerator::relin_keys(int threads) const {
    RnsPolynomial square =
        RnsPolynomial::uninitialised(ring_->n(), ring_->key_basis().size(), Form::ntt, Secrecy::secret);
    multiply(ring_->key_basis(), secret_->s, secret_->s, square);
    return {ring_->hash(), key_switch_key(square, secret_->s, ring_->max_limbs(), threads)};
}

GaloisKeys KeyGenerator::galois_keys(std::span<const int> steps, bool row_swap, int threads) const {
    std::vector<std::uint32_t> elements;
    for (const int step : steps) {
        elements.push_back(rotation_element(ring_->n(), step));
    }
    if (row_swap) {
        elements.push_back(row_swap_element(ring_->n()));
    }
    return galois_keys_for(elements, threads);
}

GaloisKeys KeyGenerator::galois_keys_for(std::span<const std::uint32_t> elements, int threads,
                                         std::span<const std::size_t> limbs) const {
    const bool fits = limbs.empty() ||
                      (limbs.size() == elements.size() && std::ranges::all_of(limbs, [&](std::size_t of_one) {
                           return of_one >= 1 && of_one <= ring_->max_limbs();
                       }));
    if (!fits) {
        throw Error("key generator: expected 1 ... " + std::to_string(ring_->max_limbs()) +
                    " limbs for each of " + std::to_string(elements.size()) + " Galois elements, found " +
                    std::to_string(limbs.size()) + " numbers or others");
    }
    GaloisKeys keys;
    keys.ring = ring_->hash();
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const std::uint32_t element = elements[i];
        if (element == 1 || keys.entries.contains(element)) {
            continue;
        }
        Automorphism automorphism(ring_->n(), element);
        RnsPolynomial rotated(ring_->n(), ring_->key_basis().size(), Form::ntt, Secrecy::secret);
        Automorphism(ring_->n(), inverse_element(ring_->n(), element))
            .apply(ring_->key_basis(), secret_->s, rotated);
        const std::size_t of_key = limbs.empty() ? ring_->max_limbs() : limbs[i];
        keys.entries.emplace(element, GaloisKeys::Entry{key_switch_key(secret_->s, rotated, of_key, threads),
                                                        std::move(automorphism)});
    }
    return keys;
}

}  // namespace lacuna
