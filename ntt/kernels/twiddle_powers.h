// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

/// The constants of both transforms before a kernel lays them out. Entry i >= 1 is the twiddle of block i -
/// 2^s of stage s, where 2^s is the highest power of two in i: forward[i] = root^reverse(i), inverse[i] =
/// root^-reverse(i), reversed over log2(n) bits. The last stage of the inverse also divides by n: inverse[1]
/// has the factor 1/n, which is `scale`.
struct TwiddlePowers {
    TwiddlePowers(std::size_t n, const Modulus& q, std::uint64_t root);

    Buffer forward;
    Buffer inverse;
    std::uint64_t scale;
};

}  // namespace lacuna
