// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include <lacuna/nn/packing/packed.h>
#include <lacuna/nn/packing/packing.h>
#include <lacuna/nn/packing/radix.h>
#include <lacuna/nn/packing/slots.h>

namespace lacuna {

/// What is particular to each packing stands in one class of its own; all else visits this. The classes hold
/// nothing: an alternative is a set of rules.
using PackingRules = std::variant<SlotsPacking, RadixPacking, PackedPacking>;
/// Those with one element a ciphertext, whose layers are sparse matrices over ciphertexts.
using ElementwiseRules = std::variant<SlotsPacking, RadixPacking>;

[[nodiscard]] inline PackingRules rules_of(Packing packing) {
    if (packing == Packing::packed) {
        return PackedPacking();
    }
    if (packing == Packing::radix) {
        return RadixPacking();
    }
    return SlotsPacking();
}

[[nodiscard]] inline ElementwiseRules elementwise_rules_of(Packing packing) {
    if (packing == Packing::radix) {
        return RadixPacking();
    }
    return SlotsPacking();
}

}  // namespace lacuna
