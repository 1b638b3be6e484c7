// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <lacuna/ntt/kernels.h>

namespace lacuna::portable {

#include <lacuna/ntt/kernels/generic/functions.h>

}  // namespace lacuna::portable
