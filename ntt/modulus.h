// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lacuna {

__extension__ using uint128_t = unsigned __int128;

/// Every modulus of the library, ciphertext or plaintext, lies below 2^50: products of two residues fit 100
/// bits, the 52-bit multipliers of AVX-512 IFMA and the 53-bit ones of double precision hold [0, 4q), and a
/// 64-bit word has 14 bits of headroom for unreduced sums.
inline constexpr int max_modulus_bits = 50;

/// A modulus q, 2 <= q < 2^50, with its Barrett constant floor(2^128 / q).
class Modulus {
  public:
    /// Throws Error unless 2 <= value < 2^50.
    explicit Modulus(std::uint64_t value);

    [[nodiscard]] std::uint64_t value() const { return value_; }
    [[nodiscard]] int bits() const { return bits_; }
    /// floor(2^64 / q), the constant of one-word Barrett reduction.
    [[nodiscard]] std::uint64_t ratio() const { return ratio_high_; }

    /// Any 64-bit x -> [0, q).
    [[nodiscard]] std::uint64_t reduce(std::uint64_t x) const {
        const auto quotient = static_cast<std::uint64_t>((uint128_t{x} * ratio_high_) >> 64);
        return correct(x - quotient * value_);
    }

    /// Any 128-bit x -> [0, q). Barrett: floor(x * floor(2^128 / q) / 2^128) is at most 1 below floor(x / q).
    [[nodiscard]] std::uint64_t reduce(uint128_t x) const {
        const auto low = static_cast<std::uint64_t>(x);
        const auto high = static_cast<std::uint64_t>(x >> 64);
        const uint128_t middle = uint128_t{low} * ratio_high_ + ((uint128_t{low} * ratio_low_) >> 64);
        const uint128_t cross = uint128_t{high} * ratio_low_ + static_cast<std::uint64_t>(middle);
        const std::uint64_t quotient = high * ratio_high_ + static_cast<std::uint64_t>(middle >> 64) +
                                       static_cast<std::uint64_t>(cross >> 64);
        return correct(low - quotient * value_);
    }

    /// Operands and result in [0, q).
    [[nodiscard]] std::uint64_t add(std::uint64_t a, std::uint64_t b) const { return correct(a + b); }
    [[nodiscard]] std::uint64_t subtract(std::uint64_t a, std::uint64_t b) const {
        return correct(a + value_ - b);
    }
    [[nodiscard]] std::uint64_t negate(std::uint64_t a) const { return correct(value_ - a); }
    [[nodiscard]] std::uint64_t multiply(std::uint64_t a, std::uint64_t b) const {
        return reduce(uint128_t{a} * b);
    }

    [[nodiscard]] std::uint64_t power(std::uint64_t base, std::uint64_t exponent) const;
    /// The inverse of a modulo q; throws Error where gcd(a, q) is not 1.
    [[nodiscard]] std::uint64_t inverse(std::uint64_t a) const;
    /// Any signed x -> [0, q).
    [[nodiscard]] std::uint64_t reduce_signed(std::int64_t x) const {
        const std::uint64_t magnitude = x < 0 ? reduce(std::uint64_t{0} - static_cast<std::uint64_t>(x))
                                              : reduce(static_cast<std::uint64_t>(x));
        return x < 0 ? negate(magnitude) : magnitude;
    }
    /// The representative of a in (-q/2, q/2].
    [[nodiscard]] std::int64_t centre(std::uint64_t a) const {
        return a > value_ / 2 ? static_cast<std::int64_t>(a) - static_cast<std::int64_t>(value_)
                              : static_cast<std::int64_t>(a);
    }

    bool operator==(const Modulus& other) const { return value_ == other.value_; }

  private:
    /// [0, 2q) -> [0, q), without a branch on the value.
    [[nodiscard]] std::uint64_t correct(std::uint64_t x) const {
        const std::uint64_t reduced = x - value_;
        return reduced + (value_ & (std::uint64_t{0} - (reduced >> 63)));
    }

    std::uint64_t value_;
    std::uint64_t ratio_low_;
    std::uint64_t ratio_high_;
    int bits_;
};

/// A constant w in [0, q) with floor(w 2^64 / q): Shoup's product costs two multiplications and no division
/// (Harvey, arXiv 1205.2926, section 2). floor(w 2^52 / q), which the 52-bit kernels use, is `quotient >>
/// 12`.
struct ShoupFactor {
    std::uint64_t value = 0;
    std::uint64_t quotient = 0;

    ShoupFactor() = default;
    /// w must be in [0, q).
    ShoupFactor(std::uint64_t w, const Modulus& q)
        : value(w), quotient(static_cast<std::uint64_t>((uint128_t{w} << 64) / q.value())) {}

    /// Any 64-bit a -> a w mod q in [0, 2q).
    [[nodiscard]] std::uint64_t multiply_lazy(std::uint64_t a, std::uint64_t q) const {
        const auto estimate = static_cast<std::uint64_t>((uint128_t{a} * quotient) >> 64);
        return a * value - estimate * q;
    }
    /// Any 64-bit a -> a w mod q in [0, q).
    [[nodiscard]] std::uint64_t multiply(std::uint64_t a, std::uint64_t q) const {
        const std::uint64_t reduced = multiply_lazy(a, q) - q;
        return reduced + (q & (std::uint64_t{0} - (reduced >> 63)));
    }
};

}  // namespace lacuna
