// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ntt/kernels.h"

namespace lacuna::avx2 {

#include "ntt/kernels/generic/functions.h"

}  // namespace lacuna::avx2
