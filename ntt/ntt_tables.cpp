// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/ntt_tables.h>

#include <bit>
#include <string>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

namespace {

std::size_t checked_size(std::size_t n) {
    if (!std::has_single_bit(n) || n < min_ntt_size || n > max_ntt_size) {
        throw Error("NTT: expected n a power of two in 16 ... 32768, found " + std::to_string(n));
    }
    return n;
}

}  // namespace

NttTables::NttTables(std::size_t n, const Modulus& q, const Kernels& kernels)
    : n_(checked_size(n)), modulus_(q), kernels_(&kernels), root_(primitive_root(n, q)) {
    kernels.build_twiddles(n, q, root_, forward_, inverse_);
}

}  // namespace lacuna
