// SPDX-License-Identifier: Apache-2.0
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

TEST_P(KernelsTest, MultiplyAndMultiplyAdd) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        const Buffer a = source_.buffer(n, 0, q.value() - 1, pattern);
        const Buffer b = source_.buffer(n, 0, q.value() - 1, pattern);
        Buffer expected = source_.buffer(n, 0, q.value() - 1, pattern);
        Buffer found = expected;
        portable().multiply_add(expected.data(), a.data(), b.data(), n, q);
        kernels().multiply_add(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "multiply_add";
        portable().multiply(expected.data(), a.data(), b.data(), n, q);
        kernels().multiply(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "multiply";
        found = a;
        kernels().multiply(found.data(), found.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "multiply in place";
    });
}

TEST_P(KernelsTest, MultiplyScalar) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        for (const Word w :
             {Word{0}, Word{1}, q.value() / 2, q.value() - 1, source_.word(0, q.value() - 1)}) {
            const ShoupFactor factor(w, q);
            const Buffer a = source_.buffer(n, 0, limit52, pattern);
            const Buffer b = source_.buffer(n, 0, q.value() - 1, pattern);
            Buffer expected(n);
            Buffer found(n);
            portable().multiply_scalar(expected.data(), a.data(), n, factor, q);
            kernels().multiply_scalar(found.data(), a.data(), n, factor, q);
            ASSERT_TRUE(equal(expected, found)) << "multiply_scalar";
            portable().subtract_multiply_scalar(expected.data(), b.data(), a.data(), n, factor, q);
            kernels().subtract_multiply_scalar(found.data(), b.data(), a.data(), n, factor, q);
            ASSERT_TRUE(equal(expected, found)) << "subtract_multiply_scalar";
        }
    });
}

TEST_P(KernelsTest, Tensor) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        std::vector<Buffer> input;
        for (int i = 0; i < 4; ++i) {
            input.push_back(source_.buffer(n, 0, q.value() - 1, pattern));
        }
        std::vector<Buffer> expected(3, Buffer(n));
        std::vector<Buffer> found(3, Buffer(n));
        portable().tensor(expected[0].data(), expected[1].data(), expected[2].data(), input[0].data(),
                          input[1].data(), input[2].data(), input[3].data(), n, q);
        kernels().tensor(found[0].data(), found[1].data(), found[2].data(), input[0].data(), input[1].data(),
                         input[2].data(), input[3].data(), n, q);
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(equal(expected[i], found[i])) << "tensor, output " << i;
        }
        portable().tensor_square(expected[0].data(), expected[1].data(), expected[2].data(), input[0].data(),
                                 input[1].data(), n, q);
        kernels().tensor_square(found[0].data(), found[1].data(), found[2].data(), input[0].data(),
                                input[1].data(), n, q);
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(equal(expected[i], found[i])) << "tensor_square, output " << i;
        }
    });
}

}  // namespace lacuna
