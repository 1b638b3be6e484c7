// SPDX-License-Identifier: Apache-2.0
#include "tools/mpi_launch.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

/// How many processes Open MPI, MPICH or Slurm says that it has started together.
int started_together() {
    for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
        if (const char* const value = std::getenv(variable)) {
            return std::atoi(value);
        }
    }
    return 1;
}

}  // namespace

void become_mpi_program(int argc, char** argv) {
    if (argc < 2 || std::string_view(argv[1]) != "infer" || started_together() < 2) {
        return;
    }
    std::error_code unknown;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", unknown);
    const std::string program = self.parent_path() / "lacuna-mpi";
    ::execv(program.c_str(), argv);
    throw Error(program +
                ": expected the program that shares an inference out between the processes of mpirun, "
                "found that it cannot be started (" +
                std::strerror(errno) +
                "); install libopenmpi-dev and build again with -DLACUNA_MPI=ON, or leave mpirun out");
}

}  // namespace lacuna
