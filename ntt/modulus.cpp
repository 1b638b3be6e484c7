// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/modulus.h>

#include <bit>
#include <string>
#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna {

Modulus::Modulus(std::uint64_t value) : value_(value) {
    if (value < 2 || value >> max_modulus_bits != 0) {
        throw Error("modulus: expected 2 <= q < 2^50, found " + std::to_string(value));
    }
    bits_ = std::bit_width(value);
    // floor((2^128 - 1) / q) equals floor(2^128 / q) unless q is a power of two, where it is one less; the
    // estimate stays a lower bound within the same error, so reduce() needs no special case.
    const uint128_t ratio = ~uint128_t{0} / value;
    ratio_low_ = static_cast<std::uint64_t>(ratio);
    ratio_high_ = static_cast<std::uint64_t>(ratio >> 64);
}

std::uint64_t Modulus::power(std::uint64_t base, std::uint64_t exponent) const {
    std::uint64_t result = reduce(std::uint64_t{1});
    for (std::uint64_t square = base; exponent != 0; exponent >>= 1, square = multiply(square, square)) {
        if (exponent & 1) {
            result = multiply(result, square);
        }
    }
    return result;
}

std::uint64_t Modulus::inverse(std::uint64_t a) const {
    // Extended Euclid on (q, a), tracking only the coefficient of a.
    auto r = static_cast<std::int64_t>(value_);
    auto next_r = static_cast<std::int64_t>(reduce(a));
    std::int64_t x = 0;
    std::int64_t next_x = 1;
    while (next_r != 0) {
        const std::int64_t quotient = r / next_r;
        x = std::exchange(next_x, x - quotient * next_x);
        r = std::exchange(next_r, r - quotient * next_r);
    }
    if (r != 1) {
        throw Error("modulus: " + std::to_string(a) + " has no inverse modulo " + std::to_string(value_));
    }
    return reduce_signed(x);
}

}  // namespace lacuna
