// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lacuna::bench {

void register_transforms();
void register_kernels();

}  // namespace lacuna::bench
