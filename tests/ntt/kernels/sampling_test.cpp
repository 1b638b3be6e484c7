// SPDX-License-Identifier: Apache-2.0
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

TEST_P(KernelsTest, FilterBelow) {
    for (const Modulus& q : moduli()) {
        for (const std::size_t count : {0, 1, 7, 8, 9, 64, 1000}) {
            const Word mask = (Word{1} << q.bits()) - 1;
            const Buffer words = source_.buffer(count, 0, limit64);
            Buffer expected(count + 8);
            Buffer found(count + 8);
            const std::size_t kept =
                portable().filter_below(expected.data(), words.data(), count, mask, q.value());
            ASSERT_EQ(kept, kernels().filter_below(found.data(), words.data(), count, mask, q.value()));
            for (std::size_t i = 0; i < kept; ++i) {
                ASSERT_EQ(expected[i], found[i]);
            }
        }
    }
}

TEST_P(KernelsTest, CentredBinomial) {
    for (const std::size_t n : sizes) {
        for (int pattern = 0; pattern < patterns; ++pattern) {
            const Buffer words = source_.buffer(n, 0, limit64, pattern);
            Buffer expected(n);
            Buffer found(n);
            portable().centred_binomial(expected.data(), words.data(), n);
            kernels().centred_binomial(found.data(), words.data(), n);
            ASSERT_TRUE(equal(expected, found));
        }
    }
}

}  // namespace lacuna
