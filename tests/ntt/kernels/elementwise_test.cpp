// SPDX-License-Identifier: Apache-2.0
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

TEST_P(KernelsTest, AddSubtractNegate) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        const Buffer a = source_.buffer(n, 0, q.value() - 1, pattern);
        const Buffer b = source_.buffer(n, 0, q.value() - 1, pattern == 3 ? 1 : 2);
        Buffer expected(n);
        Buffer found(n);
        portable().add(expected.data(), a.data(), b.data(), n, q);
        kernels().add(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "add";
        portable().subtract(expected.data(), a.data(), b.data(), n, q);
        kernels().subtract(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "subtract";
        portable().negate(expected.data(), a.data(), n, q);
        kernels().negate(found.data(), a.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "negate";
        // In place.
        portable().add(expected.data(), a.data(), a.data(), n, q);
        found = a;
        kernels().add(found.data(), found.data(), found.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "add in place";
    });
}

TEST_P(KernelsTest, Reduce) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        for (const Word top : {limit64, limit52, limit50, 4 * q.value() - 1, q.value()}) {
            const Buffer a = source_.buffer(n, 0, top, pattern);
            Buffer expected(n);
            Buffer found(n);
            portable().reduce(expected.data(), a.data(), n, q);
            kernels().reduce(found.data(), a.data(), n, q);
            ASSERT_TRUE(equal(expected, found));
        }
        // Multiples of q and their neighbours, where quotients are most easily wrong.
        Buffer a(n);
        for (std::size_t i = 0; i < n; ++i) {
            a[i] = source_.word(0, limit64 / q.value()) * q.value() + source_() % 3 - 1;
        }
        Buffer expected(n);
        portable().reduce(expected.data(), a.data(), n, q);
        kernels().reduce(a.data(), a.data(), n, q);
        ASSERT_TRUE(equal(expected, a));
    });
}

TEST_P(KernelsTest, FromSigned) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        Buffer a = source_.buffer(n, 1, 2 * q.value() - 1, pattern);
        for (std::size_t i = 0; i < n; ++i) {
            a[i] -= q.value();
        }
        Buffer expected(n);
        Buffer found(n);
        portable().from_signed(expected.data(), a.data(), n, q);
        kernels().from_signed(found.data(), a.data(), n, q);
        ASSERT_TRUE(equal(expected, found));
    });
}

TEST_P(KernelsTest, LiftCentred) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        // From the smallest, from neighbours of q, and up to the largest odd p below 2q.
        for (const std::uint64_t p : {std::uint64_t{3}, (q.value() - 2) | 1, (q.value() + 2) | 1,
                                      std::min(2 * q.value() - 1, (std::uint64_t{1} << 50) - 1)}) {
            if (p < 3 || p >= 2 * q.value() || p >> max_modulus_bits != 0) {
                continue;
            }
            const Modulus from(p);
            Buffer a = source_.buffer(n, 0, p - 1, pattern);
            a[1] = p / 2;  // the largest that stays
            a[2] = p / 2 + 1;
            Buffer expected(n);
            for (std::size_t i = 0; i < n; ++i) {
                expected[i] = q.reduce_signed(from.centre(a[i]));
            }
            Buffer found(n);
            portable().lift_centred(found.data(), a.data(), n, from, q);
            ASSERT_TRUE(equal(expected, found)) << "portable, p = " << p;
            kernels().lift_centred(found.data(), a.data(), n, from, q);
            ASSERT_TRUE(equal(expected, found)) << "p = " << p;
        }
    });
}

}  // namespace lacuna
