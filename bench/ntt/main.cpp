// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <lacuna/ntt/error.h>
#include "bench/ntt/benches.h"
#include "bench/support/machine.h"

int main(int argc, char** argv) {
    try {
        lacuna::bench::register_transforms();
        lacuna::bench::register_kernels();
    } catch (const lacuna::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return lacuna::bench::run(argc, argv);
}
