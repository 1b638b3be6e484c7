// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lacuna {

/// How the values of a tensor lie in ciphertexts: the name of one of the sets of rules in nn/packing/rules.h.
enum class Packing {
    slots,   ///< one element a ciphertext, a batch of images in its slots (CryptoNets)
    radix,   ///< one element a ciphertext, a single image as digit polynomials in base 2 (Faster CryptoNets)
    packed,  ///< all elements of an image side by side in the slots of one or a few ciphertexts
};

/// Every packing, in the order in which the planner tries them.
inline constexpr std::array all_packings = {Packing::slots, Packing::radix, Packing::packed};

/// As plans and options spell it.
[[nodiscard]] const char* packing_name(Packing packing);
[[nodiscard]] std::optional<Packing> find_packing(std::string_view name);
/// All of them, joined by " or ".
[[nodiscard]] std::string packing_names();

}  // namespace lacuna
