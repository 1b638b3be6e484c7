// SPDX-License-Identifier: Apache-2.0
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

INSTANTIATE_TEST_SUITE_P(Supported, KernelsTest, ::testing::ValuesIn(supported_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace lacuna
