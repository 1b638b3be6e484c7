// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <gmpxx.h>

#include <lacuna/ntt/modulus.h>

namespace lacuna {

// 64-bit words as GMP's integers and back. GMP's own conversions take `unsigned long`, which has 32 bits on
// some machines that this library runs on.

[[nodiscard]] inline mpz_class to_mpz(std::uint64_t x) {
    mpz_class result;
    mpz_import(result.get_mpz_t(), 1, 1, sizeof(x), 0, 0, &x);
    return result;
}
[[nodiscard]] inline mpz_class to_signed_mpz(std::int64_t x) {
    const auto word = static_cast<std::uint64_t>(x);
    return x < 0 ? mpz_class(-to_mpz(std::uint64_t{0} - word)) : to_mpz(word);
}
/// |x| modulo 2^64: the word that an integer in [0, 2^64) is.
[[nodiscard]] inline std::uint64_t to_word(const mpz_class& x) {
    std::uint64_t word = 0;
    constexpr std::size_t limbs = (64 + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS;
    for (std::size_t i = 0; i < limbs; ++i) {
        word |= std::uint64_t{mpz_getlimbn(x.get_mpz_t(), static_cast<mp_size_t>(i))} << (i * GMP_NUMB_BITS);
    }
    return word;
}
/// x mod q in [0, q) for any x, negative ones too.
[[nodiscard]] inline std::uint64_t residue(const mpz_class& x, const Modulus& q) {
    std::uint64_t rest = 0;
    for (std::size_t i = mpz_size(x.get_mpz_t()); i-- > 0;) {
        const uint128_t limb = mpz_getlimbn(x.get_mpz_t(), static_cast<mp_size_t>(i));
        rest = q.reduce((uint128_t{rest} << GMP_NUMB_BITS) + limb);
    }
    return sgn(x) < 0 ? q.negate(rest) : rest;
}

}  // namespace lacuna
