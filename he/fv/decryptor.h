// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

/// Decrypts, at any level, form and size (2 to 5). It shares context and key.
class Decryptor {
  public:
    /// Throws Error where there is no key or it belongs to another ring.
    Decryptor(Context context, std::shared_ptr<const SecretKey> secret_key);
    Decryptor(Context context, SecretKey secret_key);

    [[nodiscard]] Plaintext decrypt(const Ciphertext& ciphertext) const;

    /// log2(Q_l / (2 |t(x) e|)), e the noise, |.| the largest coefficient: bits of noise that may still be
    /// added before decryption fails; next to 0 where it has failed, since t(x) e is known modulo Q_l only.
    /// It is computed from the secret key, says something about it, and must never be shown to whoever sends
    /// ciphertexts (ePrint 2024/116, 2024/127).
    [[nodiscard]] double noise_budget(const Ciphertext& ciphertext) const;

  private:
    /// c_0 + c_1 s + c_2 s^2 in coefficient form.
    [[nodiscard]] RnsPolynomial phase(const Ciphertext& ciphertext) const;

    Context context_;
    std::shared_ptr<const SecretKey> secret_key_;
};

}  // namespace lacuna
