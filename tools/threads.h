// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lacuna {

/// Throws Error where the environment (OMP_STACKSIZE, ulimit -s) leaves a thread less stack than the
/// library's loops take: they would end in a segmentation fault.
void check_stack();

/// Throws Error where the system will not give that many threads at a time, with the stack that OpenMP's will
/// have: OpenMP itself would end the process.
void check_threads(int threads);

}  // namespace lacuna
