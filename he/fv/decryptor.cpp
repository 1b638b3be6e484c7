// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/decryptor.h>

#include <algorithm>
#include <string>

#include <lacuna/he/fv/ciphertext_size.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna {

Decryptor::Decryptor(Context context, std::shared_ptr<const SecretKey> secret_key)
    : context_(std::move(context)), secret_key_(std::move(secret_key)) {
    if (!secret_key_) {
        throw Error("decryptor: expected a secret key, found none; make one with KeyGenerator");
    }
    if (secret_key_->ring != context_.ring().hash()) {
        throw Error("decryptor: the secret key belongs to other parameters; load it with its own");
    }
}

Decryptor::Decryptor(Context context, SecretKey secret_key)
    : Decryptor(std::move(context), std::make_shared<const SecretKey>(std::move(secret_key))) {}

RnsPolynomial Decryptor::phase(const Ciphertext& ciphertext) const {
    const Ring& ring = context_.ring();
    if (ciphertext.ring != ring.hash()) {
        throw Error("decrypt: the ciphertext belongs to other parameters; load it with its own");
    }
    if (ciphertext.size() < 2 || ciphertext.size() > max_ciphertext_parts || ciphertext.limbs() == 0 ||
        ciphertext.limbs() > ring.max_limbs() || ciphertext.n() != ring.n()) {
        throw Error("decrypt: expected 2 to " + std::to_string(max_ciphertext_parts) + " parts with 1 ... " +
                    std::to_string(ring.max_limbs()) + " limbs, found " + std::to_string(ciphertext.size()) +
                    " parts with " + std::to_string(ciphertext.limbs()) + " limbs");
    }
    for (const RnsPolynomial& part : ciphertext.parts) {
        if (part.limbs() != ciphertext.limbs() || part.form() != ciphertext.form() || part.n() != ring.n()) {
            throw Error("decrypt: the parts of the ciphertext differ in level or form");
        }
    }
    const std::size_t n = ring.n();
    const std::size_t limbs = ciphertext.limbs();
    RnsPolynomial result = RnsPolynomial::uninitialised(n, limbs, Form::coefficient, Secrecy::secret);
    Buffer part = Buffer::uninitialised(n, Secrecy::secret);
    for (std::size_t i = 0; i < limbs; ++i) {
        const NttTables& tables = ring.data().tables(i);
        const Modulus& q = tables.modulus();
        std::uint64_t* const sum = result.limb(i);
        // Horner in s, in NTT form: the constant part joins last, after the transform back where it can.
        std::copy_n(ciphertext.parts.back().limb(i), n, sum);
        if (ciphertext.form() == Form::coefficient) {
            tables.forward(result.limb_span(i));
        }
        for (std::size_t k = ciphertext.size() - 1; k-- > 0;) {
            ring.kernels().multiply(sum, sum, secret_key_->s.limb(i), n, q);
            if (ciphertext.form() == Form::coefficient && k == 0) {
                tables.inverse(result.limb_span(i));
            }
            std::copy_n(ciphertext.parts[k].limb(i), n, part.data());
            if (ciphertext.form() == Form::coefficient && k != 0) {
                tables.forward(part.span());
            }
            ring.kernels().add(sum, sum, part.data(), n, q);
        }
        if (ciphertext.form() == Form::ntt) {
            tables.inverse(result.limb_span(i));
        }
    }
    return result;
}

Plaintext Decryptor::decrypt(const Ciphertext& ciphertext) const {
    const PlaintextSpace& space = context_.plain_for(ciphertext.t);
    return space.scaled_to_plain(context_.ring(), phase(ciphertext));
}

double Decryptor::noise_budget(const Ciphertext& ciphertext) const {
    // e = z - Q m / t, so t z = t e (mod Q): the centred residue of t z is t e while decryption is correct.
    // The same with t(x) = x^k - b for t, see he/fv/plain_modulus.md.
    const std::size_t limbs = ciphertext.limbs();
    RnsPolynomial z = phase(ciphertext);
    const RnsBasis basis = context_.ring().data().prefix(limbs);
    if (const PlainModulus& t = ciphertext.t; t.is_integer()) {
        multiply_scalar(basis, z, static_cast<std::int64_t>(t.value()), z);
    } else {
        RnsPolynomial shifted = z;
        multiply_monomial(basis, z, 1, t.power(), shifted);
        multiply_scalar(basis, z, t.base(), z);
        subtract(basis, shifted, z, z);
    }
    const Crt crt(basis);
    std::vector<std::uint64_t> residues(limbs);
    mpz_class largest = 1;
    for (std::size_t j = 0; j < context_.n(); ++j) {
        for (std::size_t i = 0; i < limbs; ++i) {
            residues[i] = z.limb(i)[j];
        }
        largest = std::max(largest, mpz_class(abs(crt.compose_centred(residues))));
    }
    return context_.ring().log_q(limbs) - 1 - log2_of(largest);
}

}  // namespace lacuna
