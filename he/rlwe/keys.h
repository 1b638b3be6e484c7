// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <lacuna/he/rlwe/ring.h>
#include <lacuna/rns/automorphism.h>
#include <lacuna/rns/polynomial.h>
#include <lacuna/rns/random.h>

namespace lacuna {

/// The secret s: ternary, modulo the data and special primes, NTT form. Zeroed when it dies; never printed.
struct SecretKey {
    RingHash ring{};
    RnsPolynomial s;
};

/// An encryption of zero modulo QP, NTT form: b = -(a s + e), a expanded from a public seed (streams 0 ...).
struct PublicKey {
    RingHash ring{};
    Seed seed{};
    RnsPolynomial b;
    RnsPolynomial a;
};

/// Leads from one secret s' to another s'': turns c s' into d_0 + d_1 s''. Digit d holds (b_d, a_d) modulo QP
/// in NTT form with b_d = -(a_d s'' + e_d) + P g_d s', where g_d is 1 modulo the data primes of the digit and
/// 0 modulo the others; a_d is expanded from the seed, streams d * key_stream_stride ... . A key for
/// ciphertexts of fewer limbs has their digits and primes alone, Q the product of these (key_primes()).
struct KeySwitchKey {
    struct Digit {
        RnsPolynomial b;
        RnsPolynomial a;
    };
    Seed seed{};
    std::vector<Digit> digits;
};

inline constexpr std::uint64_t key_stream_stride = 256;

/// From s^2 to s.
struct RelinKeys {
    RingHash ring{};
    KeySwitchKey key;
};

/// Keys for automorphisms x -> x^g, one entry for each g. A ciphertext is first switched from s to
/// s(x^(1/g)), then the automorphism is applied to it, which makes s(x^(1/g)) the secret s again. In this
/// order the automorphism permutes the result once; in the other order it would permute every raised digit.
struct GaloisKeys {
    struct Entry {
        KeySwitchKey key;
        Automorphism automorphism;
    };
    RingHash ring{};
    std::map<std::uint32_t, Entry> entries;

    /// Throws Error that names the missing element.
    [[nodiscard]] const Entry& at(std::uint32_t element) const;
};

/// Fills in every a_d of a key whose seed and b_d are known.
void expand(const Ring& ring, KeySwitchKey& key);
/// Fills in the a of a public key whose seed and b are known.
void expand(const Ring& ring, PublicKey& key);

/// The Galois element of a rotation of the two rows of n/2 slots by `steps` (positive: towards lower
/// indices), and of the swap of the rows.
[[nodiscard]] std::uint32_t rotation_element(std::size_t n, int steps);
/// The same for one row of `slots` slots that x -> x^generator turns by one.
[[nodiscard]] std::uint32_t rotation_element(std::size_t n, std::uint64_t generator, std::size_t slots,
                                             int steps);
[[nodiscard]] constexpr std::uint32_t row_swap_element(std::size_t n) {
    return static_cast<std::uint32_t>(2 * n - 1);
}

}  // namespace lacuna
