// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/reduced_ciphertext.h>
#include <lacuna/he/rlwe/key_generator.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sampler.h>

namespace lacuna::testing {

/// The ring of tests/golden/he: tiny, with unequal primes, two special primes and a digit of two primes.
inline Parameters golden_parameters() {
    Parameters parameters;
    parameters.n = 16;
    parameters.data_primes = {1125899906842273, 35184372088673, 1099511627297};
    parameters.special_primes = {1125899906842177, 1125899906841377};
    parameters.digit_limbs = 2;
    parameters.plain_moduli = {97, 65537};
    parameters.allow_insecure = true;
    return parameters;
}

/// The same ring with a binomial: what files of version 2 name.
inline Parameters golden_binomial_parameters() {
    Parameters parameters = golden_parameters();
    parameters.plain_polynomials = {PlainModulus::binomial(4, -160), PlainModulus::binomial(1, 2)};
    return parameters;
}

/// What the golden files hold, but for public and key-switching keys, from fixed seeds.
struct GoldenObjects {
    Context context{golden_parameters()};
    const Ring& ring = context.ring();

    [[nodiscard]] static Seed seed(std::uint8_t number) {
        Seed seed;
        seed.fill(number);
        return seed;
    }

    [[nodiscard]] SecretKey secret_key() const {
        RandomStream stream(seed(1), 0);
        const Buffer coefficients = sample_ternary(ring.n(), stream);
        SecretKey key;
        key.ring = ring.hash();
        key.s = RnsPolynomial(ring.n(), ring.key_basis().size(), Form::coefficient, Secrecy::secret);
        set_signed(ring.key_basis(), coefficients.data(), key.s);
        to_ntt(ring.key_basis(), key.s);
        return key;
    }

    [[nodiscard]] Plaintext plaintext() const {
        Plaintext message(ring.n(), 97);
        for (std::size_t i = 0; i < ring.n(); ++i) {
            message[i] = (i * i + 3) % 97;
        }
        return message;
    }

    /// An encryption of plaintext() under secret_key().
    [[nodiscard]] SeededCiphertext seeded_ciphertext() const {
        SeededCiphertext result;
        result.ring = ring.hash();
        result.t = PlainModulus(97);
        result.seed = seed(2);
        const RnsBasis& basis = ring.data();
        RnsPolynomial mask(ring.n(), basis.size(), Form::coefficient);
        sample_uniform(basis, result.seed, 0, mask);
        to_ntt(basis, mask);
        multiply(basis, mask, secret_key().s.first_limbs(basis.size()), mask);
        to_coefficients(basis, mask);
        RandomStream stream(seed(3), 0);
        const Buffer error = sample_error(ring.n(), stream);
        result.c0 = RnsPolynomial(ring.n(), basis.size(), Form::coefficient);
        set_signed(basis, error.data(), result.c0);
        subtract(basis, result.c0, mask, result.c0);
        const Plaintext message = plaintext();
        for (std::size_t i = 0; i < basis.size(); ++i) {
            context.plain(0).add_scaled(ring, message.data(), basis.size(), i, result.c0.limb(i));
        }
        return result;
    }

    /// The plaintext of version 2, and its encryption with the seeds of seeded_ciphertext().
    [[nodiscard]] static Plaintext binomial_plaintext() {
        Plaintext message(16, PlainModulus::binomial(4, -160));
        for (std::size_t i = 0; i < message.n(); ++i) {
            message[i] = i * 10 - 81;
        }
        return message;
    }
    [[nodiscard]] SeededCiphertext seeded_binomial(const Context& binomials) const {
        SeededCiphertext result = seeded_ciphertext();
        const PlaintextSpace& space = context.plain(0);
        for (std::size_t i = 0; i < result.c0.limbs(); ++i) {
            space.add_scaled(ring, plaintext().data(), result.c0.limbs(), i, result.c0.limb(i), true);
        }
        const Plaintext message = binomial_plaintext();
        result.t = message.t();
        binomials.plain_for(result.t).add_scaled(ring, message, result.c0, false);
        return result;
    }

    [[nodiscard]] Ciphertext ciphertext() const { return expand(ring, seeded_ciphertext()); }
    /// Three parts in NTT form: the square of ciphertext().
    [[nodiscard]] Ciphertext squared() const {
        const Evaluator evaluator(context);
        return evaluator.to_ntt(evaluator.square(ciphertext()));
    }
    [[nodiscard]] Ciphertext one_limb() const { return Evaluator(context).mod_switch_to(ciphertext(), 1); }
    [[nodiscard]] ReducedCiphertext reduced() const { return reduce(ring, one_limb(), {21, 25, {}}); }
    [[nodiscard]] ReducedCiphertext reduced_some() const {
        return reduce(ring, one_limb(), {19, 23, {0, 3, 4, 15}});
    }
    [[nodiscard]] static std::array<std::uint8_t, 5> layout() { return {1, 2, 3, 250, 255}; }
};

}  // namespace lacuna::testing
