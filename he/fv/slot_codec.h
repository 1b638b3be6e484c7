// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

/// Values in the k slots modulo x^k - b <-> small coefficients, for one prime p = b^(n/k) + 1 = 1 mod 2n that
/// leaves three bits of `Words` words free. Slot j is the value at zeta^((1 + 2N)^j), N = n/k, where zeta is
/// the smallest k-th root of b modulo p (a primitive 2n-th root of unity then): encoders must agree on it.
/// Timing does not depend on the values.
///
/// Encoding is a transform of size k modulo p, down to the coefficients of Z_p[x]/(x^k - b), and each of
/// those written in N balanced digits base b. p below 2^50 uses the kernels of the negacyclic transform,
/// twisted; others a butterfly of Montgomery products.
template <std::size_t Words>
class SlotCodec {
  public:
    /// A value modulo p, lowest word first.
    using Value = std::array<std::uint64_t, Words>;

    /// p must be prime, as slot_modulus() says it, 1 modulo 2n and below 2^(64 Words - 3); with several words
    /// it must exceed 2^50. Throws Error where its size is another.
    SlotCodec(std::size_t n, const PlainModulus& t, const mpz_class& p, const Kernels& kernels);

    /// Any signed word modulo p.
    [[nodiscard]] Value reduced(std::int64_t x) const;
    /// The centred representative of a value in [0, p) where it has at most 63 bits; `wide` becomes non-zero
    /// where it has not.
    [[nodiscard]] std::int64_t centred(const Value& value, std::uint64_t& wide) const;

    /// values: k of them, Words words each, in [0, p). digits: n words, two's complement.
    void encode(std::span<const std::uint64_t> values, std::uint64_t* digits) const;
    /// The other way; |digits| at most t.coefficient_bound().
    void decode(const std::uint64_t* digits, std::span<std::uint64_t> values) const;

  private:
    [[nodiscard]] Value multiply(const Value& a, const Value& b) const;
    [[nodiscard]] Value add(const Value& a, const Value& b) const;
    [[nodiscard]] Value subtract(const Value& a, const Value& b) const;
    [[nodiscard]] Value to_montgomery(const mpz_class& x, const mpz_class& p) const;
    /// slot_of_exponent: at [(e - 1) / 2N] the slot whose value is that at zeta^e.
    void prepare_kernels(std::uint64_t zeta, std::span<const std::uint32_t> slot_of_exponent,
                         const Kernels& kernels);
    void prepare_butterflies(const mpz_class& zeta, const mpz_class& p,
                             std::span<const std::uint32_t> slot_of_exponent);
    void transform(std::span<std::uint64_t> values) const;
    void transform_back(std::span<std::uint64_t> values) const;
    void write_digits(const Value& value, std::uint64_t* digits) const;
    [[nodiscard]] Value read_digits(const std::uint64_t* digits) const;

    std::size_t n_;
    std::size_t k_;
    std::uint64_t base_;        // |b|
    bool alternating_;          // b < 0: odd digits change sign
    std::uint64_t reciprocal_;  // floor(2^64 / |b|)
    std::uint64_t bound_;       // on |digits|
    std::uint64_t low_;         // balanced digits are at least -low
    Value p_{};
    std::optional<Modulus> modulus_;        // p, where it is below 2^50
    std::uint64_t minus_inverse_ = 0;       // -p^-1 mod 2^64
    Value square_{};                        // 2^(128 Words) modulo p
    Value offset_{};                        // sum_j low b^j modulo p
    Value bias_{};                          // -sum_j bound b^j modulo p
    std::vector<std::uint32_t> positions_;  // of slot j in the transform

    // p below 2^50.
    std::optional<NttTables> tables_;
    Buffer twist_;       // (zeta / root of the tables)^i
    Buffer twist_back_;  // its inverse
    // Wider p: twiddles in Montgomery form, of block i of level m at [m + i].
    std::vector<Value> twiddles_;
    std::vector<Value> twiddles_back_;
    Value scale_{};  // 1/k
};

extern template class SlotCodec<1>;
extern template class SlotCodec<2>;
extern template class SlotCodec<3>;
extern template class SlotCodec<4>;
extern template class SlotCodec<8>;

}  // namespace lacuna
