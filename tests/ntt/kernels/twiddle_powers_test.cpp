// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/twiddle_powers.h>

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include <lacuna/ntt/primes.h>

namespace lacuna {
namespace {

/// x with its lowest `bits` bits in the other order.
std::size_t reversed(std::size_t x, int bits) {
    std::size_t result = 0;
    for (int i = 0; i < bits; ++i) {
        result += (x >> i & 1) << (bits - 1 - i);
    }
    return result;
}

TEST(TwiddlePowers, AreThePowersInBitReversedOrder) {
    for (const int log_n : {4, 6, 10}) {
        const std::size_t n = std::size_t{1} << log_n;
        const Modulus q(ntt_primes(n, 40, 1).front());
        const std::uint64_t root = primitive_root(n, q);
        const TwiddlePowers powers(n, q, root);
        ASSERT_EQ(powers.forward.size(), n);
        EXPECT_EQ(q.multiply(powers.scale, n), 1U);
        for (std::size_t i = 1; i < n; ++i) {
            EXPECT_EQ(powers.forward[i], q.power(root, reversed(i, log_n))) << i;
            const std::uint64_t undone = q.multiply(powers.forward[i], powers.inverse[i]);
            EXPECT_EQ(undone, i == 1 ? powers.scale : 1U) << i;  // the last stage divides by n
        }
    }
}

}  // namespace
}  // namespace lacuna
