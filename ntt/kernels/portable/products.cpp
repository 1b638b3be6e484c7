// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna::portable {

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.multiply(a[j], b[j]);
    }
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.reduce(uint128_t{a[j]} * b[j] + out[j]);
    }
}

void multiply_scalar(Word* out, const Word* a, std::size_t n, const ShoupFactor& w, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = w.multiply(a[j], q.value());
    }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, std::size_t n, const ShoupFactor& w,
                              const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = w.multiply(a[j] + q.value() - q.reduce(b[j]), q.value());
    }
}

void tensor(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, const Word* b0,
            const Word* b1, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out0[j] = q.multiply(a0[j], b0[j]);
        out1[j] = q.reduce(uint128_t{a0[j]} * b1[j] + uint128_t{a1[j]} * b0[j]);
        out2[j] = q.multiply(a1[j], b1[j]);
    }
}

void tensor_square(Word* out0, Word* out1, Word* out2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out0[j] = q.multiply(a0[j], a0[j]);
        out1[j] = q.reduce(uint128_t{a0[j]} * a1[j] * 2);
        out2[j] = q.multiply(a1[j], a1[j]);
    }
}

}  // namespace lacuna::portable
