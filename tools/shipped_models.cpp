// SPDX-License-Identifier: Apache-2.0
#include "tools/shipped_models.h"

#include <array>

// The assembler puts a file between two symbols; C++ has no #embed yet.
#define LACUNA_SHIPPED(symbol, file)                                                                       \
    asm(".section .rodata\n"                                                                               \
        "shipped_" #symbol "_begin:\n.incbin \"" LACUNA_MODELS "/" file ".lacuna.json\"\nshipped_" #symbol \
        "_end:\n.byte 0\n.previous\n");                                                                    \
    extern "C" const char begin_##symbol[] asm("shipped_" #symbol "_begin");                               \
    extern "C" const char end_##symbol[] asm("shipped_" #symbol "_end")

LACUNA_SHIPPED(cryptodl_1, "cryptodl-1");
LACUNA_SHIPPED(cryptodl_2, "cryptodl-2");
LACUNA_SHIPPED(cryptonets, "cryptonets");
LACUNA_SHIPPED(faster_cryptonets_small, "faster-cryptonets-small");
LACUNA_SHIPPED(faster_cryptonets_tiny_range, "faster-cryptonets-tiny-range");
LACUNA_SHIPPED(faster_cryptonets, "faster-cryptonets");
LACUNA_SHIPPED(lola, "lola");

namespace lacuna {

std::span<const ShippedModel> shipped_model_files() {
    static const std::array<ShippedModel, 7> models = {{
        {"cryptodl-1", {begin_cryptodl_1, end_cryptodl_1}},
        {"cryptodl-2", {begin_cryptodl_2, end_cryptodl_2}},
        {"cryptonets", {begin_cryptonets, end_cryptonets}},
        {"faster-cryptonets", {begin_faster_cryptonets, end_faster_cryptonets}},
        {"faster-cryptonets-small", {begin_faster_cryptonets_small, end_faster_cryptonets_small}},
        {"faster-cryptonets-tiny-range",
         {begin_faster_cryptonets_tiny_range, end_faster_cryptonets_tiny_range}},
        {"lola", {begin_lola, end_lola}},
    }};
    return models;
}

}  // namespace lacuna
