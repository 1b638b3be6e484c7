// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lacuna/ntt/kernels.h>

namespace lacuna {

extern const Kernels portable_kernels;
#ifdef LACUNA_X86_KERNELS
extern const Kernels avx2_kernels;
extern const Kernels avx512ifma_kernels;
#endif

}  // namespace lacuna
