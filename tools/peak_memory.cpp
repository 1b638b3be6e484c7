// SPDX-License-Identifier: Apache-2.0
#include "tools/peak_memory.h"

#include <sys/resource.h>

namespace lacuna {

std::uint64_t peak_memory_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace lacuna
