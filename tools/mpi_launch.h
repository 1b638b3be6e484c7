// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lacuna {

/// Where mpirun has started several processes and the command is one that they can share, `infer`, this
/// process becomes `lacuna-mpi`, which lies beside it: only that one is linked to MPI. Otherwise it returns.
/// Throws Error where there is no lacuna-mpi: each process would do all of the work and write the same files.
void become_mpi_program(int argc, char** argv);

}  // namespace lacuna
