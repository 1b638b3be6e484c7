// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/encryptor.h>

#include <string>

#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sampler.h>

namespace lacuna {

namespace {

void check_plaintext(const Context& context, const Plaintext& plaintext) {
    if (plaintext.n() != context.n()) {
        throw Error("encrypt: expected a plaintext of " + std::to_string(context.n()) +
                    " coefficients, found " + std::to_string(plaintext.n()));
    }
    (void)context.plain_for(plaintext.t());
    check_coefficients("encrypt", plaintext);
}

/// Adds the message, rounded at random so that the error has the same mean, 0, and the same variance whatever
/// the message is: what messages leave in either would otherwise add up in products of noise.
void add_message(const Context& context, const Plaintext& plaintext, RnsPolynomial& c0) {
    const Ring& ring = context.ring();
    Buffer random = Buffer::uninitialised(2 * ring.n(), Secrecy::secret);
    RandomStream::secret().fill(random.span());
    context.plain_for(plaintext.t()).add_scaled(ring, plaintext, c0, false, random.data());
}

/// c0 = -(c1 s) + e for c1 in coefficient form; all at the top level.
RnsPolynomial mask(const Ring& ring, const SecretKey& secret, const RnsPolynomial& c1) {
    const std::size_t n = ring.n();
    RandomStream stream = RandomStream::secret();
    const Buffer error = sample_error(n, stream, ring.kernels());
    RnsPolynomial c0 = RnsPolynomial::uninitialised(n, ring.max_limbs(), Form::coefficient);
    set_signed(ring.data(), error.data(), c0);
    Buffer product = Buffer::uninitialised(n, Secrecy::secret);
    for (std::size_t i = 0; i < ring.max_limbs(); ++i) {
        const NttTables& tables = ring.data().tables(i);
        std::copy_n(c1.limb(i), n, product.data());
        tables.forward(product.span());
        ring.kernels().multiply(product.data(), product.data(), secret.s.limb(i), n, tables.modulus());
        tables.inverse(product.span());
        ring.kernels().subtract(c0.limb(i), c0.limb(i), product.data(), n, tables.modulus());
    }
    return c0;
}

}  // namespace

Ciphertext expand(const Ring& ring, SeededCiphertext seeded) {
    if (seeded.ring != ring.hash() || seeded.c0.n() != ring.n() || seeded.c0.limbs() != ring.max_limbs() ||
        seeded.c0.form() != Form::coefficient) {
        throw Error("seeded ciphertext: it belongs to other parameters; load it with its own");
    }
    Ciphertext ciphertext;
    ciphertext.ring = seeded.ring;
    ciphertext.t = seeded.t;
    ciphertext.parts.push_back(std::move(seeded.c0));
    ciphertext.parts.push_back(RnsPolynomial::uninitialised(ring.n(), ring.max_limbs(), Form::coefficient));
    sample_uniform(ring.data(), seeded.seed, 0, ciphertext.parts[1]);
    return ciphertext;
}

Encryptor::Encryptor(Context context, std::shared_ptr<const PublicKey> public_key)
    : context_(std::move(context)), public_key_(std::move(public_key)) {
    if (!public_key_) {
        throw Error("encryptor: expected a public key, found none; make one with KeyGenerator");
    }
    if (public_key_->ring != ring().hash()) {
        throw Error("encryptor: the public key belongs to other parameters; load it with its own");
    }
}

Encryptor::Encryptor(Context context, PublicKey public_key)
    : Encryptor(std::move(context), std::make_shared<const PublicKey>(std::move(public_key))) {}

Encryptor::Encryptor(Context context, std::shared_ptr<const SecretKey> secret_key)
    : context_(std::move(context)), secret_key_(std::move(secret_key)) {
    if (!secret_key_) {
        throw Error("encryptor: expected a secret key, found none; make one with KeyGenerator");
    }
    if (secret_key_->ring != ring().hash()) {
        throw Error("encryptor: the secret key belongs to other parameters; load it with its own");
    }
}

Encryptor::Encryptor(Context context, SecretKey secret_key)
    : Encryptor(std::move(context), std::make_shared<const SecretKey>(std::move(secret_key))) {}

Ciphertext Encryptor::encrypt_zero(const PlainModulus& t, std::size_t limbs) const {
    if (public_key_ == nullptr) {
        throw Error("encrypt: encryptions of zero without a message need the public key; none was given");
    }
    const Ring& ring = context_.ring();
    if (limbs == 0 || limbs > ring.max_limbs()) {
        throw Error("encrypt: expected a level of 1 ... " + std::to_string(ring.max_limbs()) +
                    " limbs, found " + std::to_string(limbs));
    }
    const std::size_t n = ring.n();
    const std::size_t extended = limbs + ring.special().size();
    RandomStream stream = RandomStream::secret();
    const Buffer u = sample_ternary(n, stream);
    const std::array<Buffer, 2> errors = {sample_error(n, stream, ring.kernels()),
                                          sample_error(n, stream, ring.kernels())};
    Ciphertext ciphertext;
    ciphertext.ring = ring.hash();
    ciphertext.t = context_.plain_for(t).t();
    Buffer mask = Buffer::uninitialised(n, Secrecy::secret);
    Buffer error = Buffer::uninitialised(n, Secrecy::secret);
    std::array<RnsPolynomial, 2> sums = {
        RnsPolynomial::uninitialised(n, extended, Form::coefficient, Secrecy::secret),
        RnsPolynomial::uninitialised(n, extended, Form::coefficient, Secrecy::secret)};
    for (std::size_t i = 0; i < extended; ++i) {
        const std::size_t prime = extended_prime(ring, limbs, i);
        const NttTables& tables = ring.key_basis().tables(prime);
        const Modulus& q = tables.modulus();
        ring.kernels().from_signed(mask.data(), u.data(), n, q);
        tables.forward(mask.span());
        for (std::size_t part = 0; part < 2; ++part) {
            const RnsPolynomial& key = part == 0 ? public_key_->b : public_key_->a;
            ring.kernels().multiply(sums[part].limb(i), mask.data(), key.limb(prime), n, q);
            tables.inverse(sums[part].limb_span(i));
            ring.kernels().from_signed(error.data(), errors[part].data(), n, q);
            ring.kernels().add(sums[part].limb(i), sums[part].limb(i), error.data(), n, q);
        }
    }
    for (const RnsPolynomial& sum : sums) {
        RnsPolynomial part = RnsPolynomial::uninitialised(n, limbs, Form::coefficient);
        std::vector<std::uint64_t*> kept;
        std::vector<const std::uint64_t*> dropped;
        for (std::size_t i = 0; i < extended; ++i) {
            if (i < limbs) {
                std::copy_n(sum.limb(i), n, part.limb(i));
                kept.push_back(part.limb(i));
            } else {
                dropped.push_back(sum.limb(i));
            }
        }
        if (!dropped.empty()) {
            ring.special_divider().divide(dropped, kept, n);
        }
        ciphertext.parts.push_back(std::move(part));
    }
    return ciphertext;
}

Ciphertext Encryptor::encrypt(const Plaintext& plaintext) const {
    if (secret_key_ != nullptr) {
        return expand(context_.ring(), encrypt_seeded(plaintext));
    }
    check_plaintext(context_, plaintext);
    Ciphertext ciphertext = encrypt_zero(plaintext.t(), context_.ring().max_limbs());
    add_message(context_, plaintext, ciphertext.parts[0]);
    return ciphertext;
}

SeededCiphertext Encryptor::encrypt_seeded(const Plaintext& plaintext) const {
    if (secret_key_ == nullptr) {
        throw Error("encrypt: seeded ciphertexts need the secret key; with a public key call encrypt");
    }
    check_plaintext(context_, plaintext);
    const Ring& ring = context_.ring();
    SeededCiphertext seeded;
    seeded.ring = ring.hash();
    seeded.t = plaintext.t();
    seeded.seed = public_seed();
    RnsPolynomial c1 = RnsPolynomial::uninitialised(ring.n(), ring.max_limbs(), Form::coefficient);
    sample_uniform(ring.data(), seeded.seed, 0, c1);
    seeded.c0 = mask(ring, *secret_key_, c1);
    add_message(context_, plaintext, seeded.c0);
    return seeded;
}

}  // namespace lacuna
