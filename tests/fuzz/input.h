// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <lacuna/he/fv/context.h>
#include "tests/support/golden.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace lacuna::testing {

/// The toy ring of the golden files, which are the targets' seeds.
inline const Context& fuzz_context() {
    static const Context context(golden_binomial_parameters());
    return context;
}

inline std::string_view as_text(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace lacuna::testing
