// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

/// Encrypts plaintexts at the top level, coefficient form. Every call draws fresh randomness from the
/// operating system; nothing is reused between ciphertexts or plaintext moduli. It shares
/// context and keys.
class Encryptor {
  public:
    /// Public-key encryption only. Throws Error where there is no key or it belongs to another ring.
    Encryptor(Context context, std::shared_ptr<const PublicKey> public_key);
    Encryptor(Context context, PublicKey public_key);
    /// Symmetric encryption only.
    Encryptor(Context context, std::shared_ptr<const SecretKey> secret_key);
    Encryptor(Context context, SecretKey secret_key);

    [[nodiscard]] const Ring& ring() const { return context_.ring(); }

    /// With the public key: modulo QP, then divided by P, which leaves little more noise than the division's
    /// rounding. With the secret key: as encrypt_seeded, expanded. The space is the plaintext's own modulus.
    /// Either way Q m / t(x) is rounded at random, to itself on average: neither the noise's mean nor its
    /// variance depends on the message.
    [[nodiscard]] Ciphertext encrypt(const Plaintext& plaintext) const;
    /// Symmetric, half the size. Throws Error without a secret key.
    [[nodiscard]] SeededCiphertext encrypt_seeded(const Plaintext& plaintext) const;
    /// A fresh encryption of zero at level `limbs`, for re-randomising; needs the public key.
    [[nodiscard]] Ciphertext encrypt_zero(const PlainModulus& t, std::size_t limbs) const;
    [[nodiscard]] Ciphertext encrypt_zero(std::uint64_t t, std::size_t limbs) const {
        return encrypt_zero(PlainModulus(t), limbs);
    }

  private:
    Context context_;
    std::shared_ptr<const PublicKey> public_key_;  // one of the two
    std::shared_ptr<const SecretKey> secret_key_;
};

}  // namespace lacuna
