// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

class NttTables;

/// Terms of a sparse row that share |c|. They add the packed words at `offsets[begin ... middle)` and
/// subtract those at `offsets[middle ... end)`; the difference is multiplied by `multiplier`, which is `1 <<
/// shift` where shift >= 0.
struct TermGroup {
    std::uint32_t begin = 0;
    std::uint32_t middle = 0;
    std::uint32_t end = 0;
    std::int32_t shift = 0;  ///< -1 where the multiplier is not a power of two
    std::uint64_t multiplier = 1;
};

/// The inner loops of the library, all on one prime. One struct of function pointers per instruction set,
/// chosen once at start (see active_kernels); every implementation returns the same words for the same input.
///
/// Unless said otherwise: arrays are 64-byte aligned and do not overlap except that an output may be one of
/// the inputs; n is a multiple of 16; residues are in [0, q), reduced, on both sides.
struct Kernels {
    std::string_view name;
    /// Whether this machine can run these functions.
    bool (*supported)();

    /// Fills the transform's constants in the layout that ntt_forward and ntt_inverse of the same struct
    /// read. root: a primitive 2n-th root of unity.
    void (*build_twiddles)(std::size_t n, const Modulus& q, std::uint64_t root, Buffer& forward,
                           Buffer& inverse);
    /// Negacyclic transform: word j of out is a(root^(2 reverse(j) + 1)), reverse() over log2(n) bits. n >=
    /// 16, a power of two. Input [0, 4q), output [0, q).
    void (*ntt_forward)(const NttTables& tables, std::uint64_t* out, const std::uint64_t* a);
    /// Its inverse in place, times factor in [0, q). Input [0, 2q), output [0, q).
    void (*ntt_inverse)(const NttTables& tables, std::uint64_t* a, std::uint64_t factor);

    void (*add)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                const Modulus& q);
    void (*subtract)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                     const Modulus& q);
    void (*negate)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const Modulus& q);
    /// Any 64-bit words -> [0, q).
    void (*reduce)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const Modulus& q);
    /// Two's complement words in (-q, q) -> [0, q).
    void (*from_signed)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const Modulus& q);
    /// a in [0, p), centred in (-p/2, p/2), modulo q -> [0, q). p is odd and below 2q.
    void (*lift_centred)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const Modulus& p,
                         const Modulus& q);
    /// out = a b.
    void (*multiply)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                     const Modulus& q);
    /// out = out + a b.
    void (*multiply_add)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                         const Modulus& q);
    /// out = a w; a is any word below 2^52.
    void (*multiply_scalar)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const ShoupFactor& w,
                            const Modulus& q);
    /// out = (a - b) w; b is any word below 2^52.
    void (*subtract_multiply_scalar)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b,
                                     std::size_t n, const ShoupFactor& w, const Modulus& q);
    /// out = sum_i a[i] b[i], count <= 64.
    void (*dot)(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b,
                std::size_t count, std::size_t n, const Modulus& q);
    /// The tensor (a0 + a1 s)(b0 + b1 s): out0 = a0 b0, out1 = a0 b1 + a1 b0, out2 = a1 b1. No output may be
    /// an input.
    void (*tensor)(std::uint64_t* out0, std::uint64_t* out1, std::uint64_t* out2, const std::uint64_t* a0,
                   const std::uint64_t* a1, const std::uint64_t* b0, const std::uint64_t* b1, std::size_t n,
                   const Modulus& q);
    /// The same with a = b: out0 = a0^2, out1 = 2 a0 a1, out2 = a1^2.
    void (*tensor_square)(std::uint64_t* out0, std::uint64_t* out1, std::uint64_t* out2,
                          const std::uint64_t* a0, const std::uint64_t* a1, std::size_t n, const Modulus& q);

    /// Turns `count` weights in [0, q) into the form that weighted_sum of the same struct reads.
    void (*prepare_weights)(std::uint64_t* weights, std::size_t count, const Modulus& q);
    /// out = sum_i rows[i] weights[i] mod q: base conversion. rows: any words below 2^50; weights: prepared;
    /// count <= 64. out must not be one of the rows.
    void (*weighted_sum)(std::uint64_t* out, const std::uint64_t* const* rows, const std::uint64_t* weights,
                         std::size_t count, std::size_t n, const Modulus& q);
    /// out = floor(sum_i rows[i] f_i + 1/2), as an integer, for fractions f_i = high[i] 2^-52 + low[i] 2^-104
    /// given as two words below 2^52. rows: any words below 2^50; count <= 64; sums below 2^56. Exactly
    /// (sum_i (rows[i] high[i]) + sum_i floor(rows[i] low[i] / 2^52) + 2^51) >> 52, the same on every
    /// machine.
    void (*round_fractions)(std::uint64_t* out, const std::uint64_t* const* rows, const std::uint64_t* high,
                            const std::uint64_t* low, std::size_t count, std::size_t n);

    /// out[j] = a[index[j]]. out is not a.
    void (*gather)(std::uint64_t* out, const std::uint64_t* a, const std::uint32_t* index, std::size_t n);
    /// a(x^g) in coefficient form, for h = g^-1 modulo 2n: out[j] = +-a[k mod n] with k = h j mod 2n,
    /// minus from k = n on. n is a power of two, h odd and below 2n. out is not a.
    void (*automorphism)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, std::uint32_t h,
                         const Modulus& q);

    /// One tile of one sparse row: out[k] = (offset + sum_g multiplier_g (sum_plus packed[o + k] - sum_minus
    /// packed[o + k])) mod q for k < length, in 64-bit arithmetic that wraps: the caller proves that the
    /// integer in the brackets lies in [0, 2^64). length is a multiple of 8; the words at packed need only be
    /// 8-byte aligned. accumulate: add to out instead of replacing it.
    void (*sparse_tile)(std::uint64_t* out, std::size_t length, const std::uint64_t* packed,
                        const std::uint32_t* offsets, const TermGroup* groups, std::size_t group_count,
                        std::uint64_t offset, bool accumulate, const Modulus& q);

    /// Copies the words of `words` that are below `bound` after masking with `mask`, in order, to out (room
    /// for count words plus 8); returns how many. Rejection sampling of public randomness.
    std::size_t (*filter_below)(std::uint64_t* out, const std::uint64_t* words, std::size_t count,
                                std::uint64_t mask, std::uint64_t bound);
    /// Centred binomial noise: popcount(bits 0 ... 20) - popcount(bits 21 ... 41) of each word, in two's
    /// complement.
    void (*centred_binomial)(std::uint64_t* out, const std::uint64_t* words, std::size_t n);
};

/// Every kernel compiled into this library, fastest first; the last one, "portable", runs everywhere.
[[nodiscard]] std::span<const Kernels* const> all_kernels();

/// The first of all_kernels() that this machine supports, or the one that the environment variable
/// LACUNA_KERNELS (portable, avx2, avx512ifma) names; settled at the first call. Throws Error where the
/// variable names a kernel that does not exist or that this machine cannot run.
[[nodiscard]] const Kernels& active_kernels();

}  // namespace lacuna
