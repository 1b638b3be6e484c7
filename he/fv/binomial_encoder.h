// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/fv/slot_codec.h>

namespace lacuna {

/// Puts integers modulo p = b^(n/k) + 1 into the k slots of a plaintext modulo x^k - b: ring operations act
/// on every slot by itself, and rotations turn the one row of k. With k = 1 there is one slot, and the
/// encoding is the number's digits at x = b: with b = 2 that of Faster CryptoNets (RadixEncoder), but modulo
/// 2^n + 1 instead of without a carry.
class BinomialEncoder {
  public:
    /// The widest p that splits into several slots.
    static constexpr std::size_t max_slot_bits = 509;

    /// Throws Error unless the space's modulus is a binomial and, where k > 1, p is a prime = 1 mod 2n of at
    /// most max_slot_bits bits. Takes about a millisecond for every thousand slots.
    explicit BinomialEncoder(const Context& context, std::size_t plain_index = 0);

    /// k
    [[nodiscard]] std::size_t slots() const { return space_->t().power(); }
    /// p
    [[nodiscard]] const mpz_class& modulus() const { return space_->slot_modulus(); }

    /// At most k values, the other slots are 0. Any signed value; it is taken modulo p. Coefficients are
    /// balanced, at most about b/2, non-adjacent for |b| = 2.
    [[nodiscard]] Plaintext encode(std::span<const std::int64_t> values) const;
    [[nodiscard]] Plaintext encode(std::span<const mpz_class> values) const;
    /// The same value in every slot: its digits, which are few where it is small.
    [[nodiscard]] Plaintext encode_constant(const mpz_class& value) const;
    /// All k slots, centred: in (-p/2, p/2).
    [[nodiscard]] std::vector<mpz_class> decode(const Plaintext& plaintext) const;
    /// The same in words; throws Error where a slot holds more than 63 bits.
    [[nodiscard]] std::vector<std::int64_t> decode_words(const Plaintext& plaintext) const;

  private:
    void check_count(std::size_t count) const;
    void check(const Plaintext& plaintext) const;

    std::shared_ptr<const PlaintextSpace> space_;
    std::size_t n_;
    /// By the width of p; none where k = 1.
    std::variant<std::monostate, SlotCodec<1>, SlotCodec<2>, SlotCodec<3>, SlotCodec<4>, SlotCodec<8>> codec_;
};

}  // namespace lacuna
