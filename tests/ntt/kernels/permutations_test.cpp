// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/ntt_tables.h>
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

TEST_P(KernelsTest, Gather) {
    for (const std::size_t n : sizes) {
        for (const Modulus& q : moduli()) {
            const Buffer a = source_.buffer(n, 0, q.value() - 1);
            std::vector<std::uint32_t> anywhere(n);
            std::vector<std::uint32_t> within_eight(n);
            for (std::size_t j = 0; j < n; ++j) {
                anywhere[j] = static_cast<std::uint32_t>(source_() % n);
                // As the automorphisms of the transformed form do: each aligned group of eight reads one such
                // group.
                within_eight[j] = static_cast<std::uint32_t>((n / 8 - 1 - j / 8) * 8 + (j * 3 + j / 8) % 8);
            }
            for (const std::vector<std::uint32_t>& index : {anywhere, within_eight}) {
                Buffer expected(n);
                Buffer found(n);
                portable().gather(expected.data(), a.data(), index.data(), n);
                kernels().gather(found.data(), a.data(), index.data(), n);
                ASSERT_TRUE(equal(expected, found)) << "gather";
            }
        }
    }
}

TEST_P(KernelsTest, Automorphism) {
    for (std::size_t n = min_ntt_size; n <= max_ntt_size; n *= 2) {
        for (const Modulus& q : moduli()) {
            const Buffer a = source_.buffer(n, 0, q.value() - 1);
            std::vector<std::uint32_t> elements = {1, 3, 5, 7, 25, static_cast<std::uint32_t>(2 * n - 1)};
            for (int i = 0; i < 8; ++i) {
                elements.push_back(static_cast<std::uint32_t>(source_() % n * 2 + 1));
            }
            for (const std::uint32_t h : elements) {
                Buffer expected(n);
                Buffer found(n);
                portable().automorphism(expected.data(), a.data(), n, h, q);
                kernels().automorphism(found.data(), a.data(), n, h, q);
                ASSERT_TRUE(equal(expected, found)) << "n = " << n << ", h = " << h << ", q = " << q.value();
            }
        }
    }
}

}  // namespace lacuna
