// SPDX-License-Identifier: Apache-2.0
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

namespace {

/// Rows of one matrix and pointers to them.
struct Rows {
    Rows(Source& source, std::size_t count, std::size_t n, Word high, int pattern) {
        for (std::size_t i = 0; i < count; ++i) {
            buffers.push_back(source.buffer(n, 0, high, pattern));
            pointers.push_back(buffers.back().data());
        }
    }
    std::vector<Buffer> buffers;
    std::vector<const Word*> pointers;
};

}  // namespace

TEST_P(KernelsTest, SumsOfProducts) {
    constexpr std::size_t n = 32;
    for (const Modulus& q : moduli()) {
        for (std::size_t count = 1; count <= 64; ++count) {
            for (int pattern = 0; pattern < patterns; ++pattern) {
                SCOPED_TRACE("q = " + std::to_string(q.value()) + ", count = " + std::to_string(count) +
                             ", pattern " + std::to_string(pattern));
                const Rows a(source_, count, n, q.value() - 1, pattern);
                const Rows b(source_, count, n, q.value() - 1, pattern);
                Buffer expected(n);
                Buffer found(n);
                portable().dot(expected.data(), a.pointers.data(), b.pointers.data(), count, n, q);
                kernels().dot(found.data(), a.pointers.data(), b.pointers.data(), count, n, q);
                ASSERT_TRUE(equal(expected, found)) << "dot";

                const Rows rows(source_, count, n, limit50, pattern);
                Buffer weights = source_.buffer(count, 0, q.value() - 1, pattern);
                Buffer plain = weights;
                portable().prepare_weights(plain.data(), count, q);
                portable().weighted_sum(expected.data(), rows.pointers.data(), plain.data(), count, n, q);
                kernels().prepare_weights(weights.data(), count, q);
                kernels().weighted_sum(found.data(), rows.pointers.data(), weights.data(), count, n, q);
                ASSERT_TRUE(equal(expected, found)) << "weighted_sum";
            }
        }
    }
}

TEST_P(KernelsTest, RoundFractions) {
    for (const std::size_t n : sizes) {
        for (std::size_t count = 1; count <= 64; ++count) {
            for (int pattern = 0; pattern < patterns; ++pattern) {
                SCOPED_TRACE("count = " + std::to_string(count) + ", pattern " + std::to_string(pattern));
                const Rows rows(source_, count, n, limit50, pattern);
                const Buffer high = source_.buffer(count, 0, limit52, pattern);
                const Buffer low = source_.buffer(count, 0, limit52, pattern);
                Buffer expected(n);
                Buffer found(n);
                portable().round_fractions(expected.data(), rows.pointers.data(), high.data(), low.data(),
                                           count, n);
                kernels().round_fractions(found.data(), rows.pointers.data(), high.data(), low.data(), count,
                                          n);
                ASSERT_TRUE(equal(expected, found));
            }
        }
    }
}

}  // namespace lacuna
