// SPDX-License-Identifier: Apache-2.0
#include "tools/shipped_models.h"

#include <array>

// The assembler puts a file between two symbols; C++ has no #embed yet.
#define LACUNA_SHIPPED(symbol, file)                                                                       \
    asm(".section .rodata\n"                                                                               \
        "shipped_" #symbol "_begin:\n.incbin \"" LACUNA_MODELS "/" file ".lacuna.json\"\nshipped_" #symbol \
        "_end:\n.byte 0\n.previous\n");                                                                    \
    extern "C" const char begin_##symbol[] asm("shipped_" #symbol "_begin");                               \
    extern "C" const char end_##symbol[] asm("shipped_" #symbol "_end");

// In the order of their names.
// clang-format off
#define LACUNA_SHIPPED_MODELS(each) \
    each(cifar10, "cifar10") \
    each(cryptodl_1, "cryptodl-1") \
    each(cryptodl_2, "cryptodl-2") \
    each(cryptonets, "cryptonets") \
    each(fashion_mnist, "fashion-mnist") \
    each(faster_cryptonets, "faster-cryptonets") \
    each(faster_cryptonets_packed, "faster-cryptonets-packed") \
    each(faster_cryptonets_small, "faster-cryptonets-small") \
    each(faster_cryptonets_tiny_range, "faster-cryptonets-tiny-range") \
    each(lola, "lola") \
    each(messidor_private, "messidor-private")
// clang-format on

LACUNA_SHIPPED_MODELS(LACUNA_SHIPPED)

namespace lacuna {

std::span<const ShippedModel> shipped_model_files() {
#define LACUNA_ENTRY(symbol, file) ShippedModel{file, {begin_##symbol, end_##symbol}},
    static const std::array models = {LACUNA_SHIPPED_MODELS(LACUNA_ENTRY)};
#undef LACUNA_ENTRY
    return models;
}

}  // namespace lacuna
