// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/twiddle_powers.h>

#include <bit>

#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

TwiddlePowers::TwiddlePowers(std::size_t n, const Modulus& q, std::uint64_t root)
    : forward(Buffer::uninitialised(n)),
      inverse(Buffer::uninitialised(n)),
      scale(q.inverse(q.reduce(std::uint64_t{n}))) {
    const int log_n = std::countr_zero(n);
    const std::uint64_t inverse_root = q.inverse(root);
    std::uint64_t power = 1;
    std::uint64_t inverse_power = 1;
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t position = reverse_bits(static_cast<std::uint32_t>(i), log_n);
        forward[position] = power;
        inverse[position] = position == 1 ? q.multiply(inverse_power, scale) : inverse_power;
        power = q.multiply(power, root);
        inverse_power = q.multiply(inverse_power, inverse_root);
    }
}

}  // namespace lacuna
