// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels.h>

#include <array>
#include <cstdlib>
#include <string>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/kernels/list.h>

namespace lacuna {

namespace {

constexpr std::array kernels_by_speed = {
#ifdef LACUNA_X86_KERNELS
    &avx512ifma_kernels,
    &avx2_kernels,
#endif
    &portable_kernels,
};

const Kernels& choose() {
    const char* wanted = std::getenv("LACUNA_KERNELS");
    std::string names;
    for (const Kernels* kernels : kernels_by_speed) {
        names += (names.empty() ? "" : ", ") + std::string(kernels->name);
        if (wanted == nullptr || *wanted == '\0') {
            if (kernels->supported()) {
                return *kernels;
            }
        } else if (kernels->name == wanted) {
            if (!kernels->supported()) {
                throw Error(
                    "LACUNA_KERNELS=" + std::string(wanted) +
                    ": this processor lacks the instructions; unset the variable to use the fastest kernel "
                    "that it can run");
            }
            return *kernels;
        }
    }
    throw Error("LACUNA_KERNELS: expected one of " + names + ", found '" + wanted + "'");
}

}  // namespace

std::span<const Kernels* const> all_kernels() {
    return kernels_by_speed;
}

const Kernels& active_kernels() {
    static const Kernels& chosen = choose();
    return chosen;
}

}  // namespace lacuna
