// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <variant>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/nn/packing/binomial.h>
#include <lacuna/nn/packing/packed.h>
#include <lacuna/nn/packing/packing.h>
#include <lacuna/nn/packing/radix.h>
#include <lacuna/nn/packing/slots.h>

namespace lacuna {

/// What is particular to each packing stands in one class of its own; all else visits this. The classes hold
/// next to nothing: an alternative is a set of rules.
using PackingRules = std::variant<SlotsPacking, RadixPacking, BinomialPacking, PackedPacking>;
/// Those of integers t, with one element a ciphertext.
using IntegerRules = std::variant<SlotsPacking, RadixPacking>;

/// k of the one plaintext modulus x^k - b, or 0 for integers.
[[nodiscard]] inline std::size_t plain_power(const Parameters& parameters) {
    return parameters.plain_polynomials.empty() ? 0 : parameters.plain_polynomials.front().power();
}

/// power: k of the plaintext modulus x^k - b, 0 for integers; the packed packing knows nothing else.
[[nodiscard]] inline PackingRules rules_of(Packing packing, std::size_t power) {
    if (packing == Packing::packed) {
        return PackedPacking();
    }
    if (power != 0) {
        return BinomialPacking(power);
    }
    if (packing == Packing::radix) {
        return RadixPacking();
    }
    return SlotsPacking();
}

[[nodiscard]] inline IntegerRules integer_rules_of(Packing packing) {
    if (packing == Packing::radix) {
        return RadixPacking();
    }
    return SlotsPacking();
}

}  // namespace lacuna
