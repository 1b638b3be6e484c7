// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

/// Makes a secret key and everything that depends on it. Keys know the ring only: one set serves every
/// plaintext modulus.
class KeyGenerator {
  public:
    /// A fresh secret from the operating system's randomness. A Context is as good as its ring.
    explicit KeyGenerator(std::shared_ptr<const Ring> ring);
    /// Keys for an existing secret. Throws Error where it belongs to another ring.
    KeyGenerator(std::shared_ptr<const Ring> ring, SecretKey secret);

    [[nodiscard]] const SecretKey& secret_key() const { return *secret_; }
    /// The same, for encryptors and decryptors that are to share it and not to copy it.
    [[nodiscard]] const std::shared_ptr<const SecretKey>& shared_secret_key() const { return secret_; }
    [[nodiscard]] PublicKey public_key() const;
    /// Throws Error where the ring has no special primes.
    [[nodiscard]] RelinKeys relin_keys(int threads = 1) const;
    /// Keys for rotations by these steps and, if asked, the swap of the rows.
    [[nodiscard]] GaloisKeys galois_keys(std::span<const int> steps, bool row_swap = false,
                                         int threads = 1) const;
    /// Keys for these Galois elements: rotation_elements() names those of a plaintext modulus. limbs: for
    /// each of them, of the largest ciphertext that it turns; none: as many as the ring has. Throws Error for
    /// other numbers.
    [[nodiscard]] GaloisKeys galois_keys_for(std::span<const std::uint32_t> elements, int threads = 1,
                                             std::span<const std::size_t> limbs = {}) const;

  private:
    /// A key that leads from one secret to another, both in NTT form modulo the key basis, for polynomials of
    /// so many limbs.
    [[nodiscard]] KeySwitchKey key_switch_key(const RnsPolynomial& from, const RnsPolynomial& to,
                                              std::size_t limbs, int threads) const;

    std::shared_ptr<const Ring> ring_;
    std::shared_ptr<const SecretKey> secret_;
};

}  // namespace lacuna
