// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/ntt_tables.h>
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

TEST_P(KernelsTest, Transforms) {
    for (std::size_t n = min_ntt_size; n <= max_ntt_size; n *= 2) {
        for (const int bits : {17, 20, 32, 45, 49, 50}) {
            if (bits == 17 && n > 16384) {
                continue;  // no such prime
            }
            const Modulus q(ntt_primes(n, bits, 1).front());
            const NttTables reference(n, q, portable());
            const NttTables tables(n, q, kernels());
            for (int pattern = 0; pattern < patterns; ++pattern) {
                SCOPED_TRACE("n = " + std::to_string(n) + ", q = " + std::to_string(q.value()) +
                             ", pattern " + std::to_string(pattern));
                Buffer expected = source_.buffer(n, 0, 4 * q.value() - 1, pattern);
                Buffer found = expected;
                Buffer apart(n);
                tables.forward(expected.span(), apart.span());
                reference.forward(expected.span());
                tables.forward(found.span());
                ASSERT_TRUE(equal(expected, found)) << "forward";
                ASSERT_TRUE(equal(expected, apart)) << "forward, out of place";
                expected = source_.buffer(n, 0, 2 * q.value() - 1, pattern);
                found = expected;
                Buffer scaled = expected;
                reference.inverse(expected.span());
                tables.inverse(found.span());
                ASSERT_TRUE(equal(expected, found)) << "inverse";
                const std::uint64_t factor = source_.word(0, q.value() - 1);
                tables.inverse(scaled.span(), factor);
                portable().multiply_scalar(expected.data(), expected.data(), n, ShoupFactor(factor, q), q);
                ASSERT_TRUE(equal(expected, scaled)) << "inverse times " << factor;
            }
        }
    }
}

}  // namespace lacuna
