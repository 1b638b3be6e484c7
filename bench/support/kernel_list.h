// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <lacuna/ntt/kernels.h>

namespace lacuna::bench {

/// How rows are named: the active kernel is "lacuna", every other one that this machine supports bears its
/// own name.
inline std::string who(const Kernels& kernels) {
    return &kernels == &active_kernels() ? "lacuna" : std::string(kernels.name);
}
inline std::vector<const Kernels*> supported_kernels() {
    std::vector<const Kernels*> supported;
    for (const Kernels* kernels : all_kernels()) {
        if (kernels->supported()) {
            supported.push_back(kernels);
        }
    }
    return supported;
}

}  // namespace lacuna::bench
