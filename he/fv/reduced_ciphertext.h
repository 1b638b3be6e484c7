// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/ntt/buffer.h>

namespace lacuna {

/// How a reply is made small: bits kept of every coefficient of c_0 and c_1, 1 ... bit length of q_0 (where
/// it loses nothing), and which coefficients of c_0 are sent. Modulo x^k - b coefficient j of the message
/// needs those of c_0 at j and at j - k.
struct Reduction {
    int c0_bits = 0;
    int c1_bits = 0;
    std::vector<std::uint32_t> coefficients;  ///< strictly rising, below n; empty: all n
    bool operator==(const Reduction&) const = default;
};

/// What a reduction adds to the noise of a coefficient that is sent. With D_i = q_0 / 2^(bits of c_i),
/// rounding moves a coefficient of c_i by at most D_i / 2, and restoring it by at most 1/2 more; the noise
/// grows by d_0 + d_1 s.
struct ReductionNoise {
    /// Certain: (D_0 + 1) / 2 + n (D_1 + 1) / 2, no more than n coefficients of s being non-zero.
    double largest = 0;
    /// Standard deviation, sqrt((D_0^2 + 1 + (2/3) n (D_1^2 + 1)) / 12): rounding errors are uniform and
    /// independent of s as those of modulus switching are, s is ternary of variance 2/3. Sub-Gaussian, so
    /// that it adds to the variance of NoiseEstimate and is bounded like it.
    double deviation = 0;
};

/// n: the ring degree; q0: the one prime that a reply still has.
[[nodiscard]] ReductionNoise reduction_noise(std::size_t n, std::uint64_t q0, int c0_bits, int c1_bits);

/// The reduction of the fewest bytes whose deviation is at most `max_deviation`, for these coefficients of
/// c_0 (empty: all n). Where nothing fits it keeps every bit, which adds no noise.
[[nodiscard]] Reduction smallest_reduction(std::size_t n, std::uint64_t q0, double max_deviation,
                                           std::vector<std::uint32_t> coefficients = {});

/// A ciphertext of two parts and one limb, rounded: c_i is stored as round(2^b c_i / q_0) modulo 2^b, b =
/// bits of c_i.
struct ReducedCiphertext {
    RingHash ring{};
    PlainModulus t;
    Reduction reduction;
    Buffer c0;  ///< a word in [0, 2^c0_bits) for every coefficient that is sent
    Buffer c1;  ///< n words in [0, 2^c1_bits)

    bool operator==(const ReducedCiphertext& other) const;
};

/// Throws Error unless the ciphertext is of this ring, has two parts, one limb and coefficient form, and the
/// reduction is legal.
[[nodiscard]] ReducedCiphertext reduce(const Ring& ring, const Ciphertext& ciphertext,
                                       const Reduction& reduction);

/// round(q_0 v / 2^b) for every word v. Coefficients of c_0 that were not sent are 0: the plaintext's
/// coefficients there mean nothing, and a noise budget measured over all coefficients neither. Throws Error
/// where the ciphertext belongs to another ring or is malformed.
[[nodiscard]] Ciphertext restore(const Ring& ring, const ReducedCiphertext& reduced);

/// Throws Error unless the reduction is legal for this ring; for code that builds or reads one.
void validate(const Ring& ring, const Reduction& reduction);

}  // namespace lacuna
