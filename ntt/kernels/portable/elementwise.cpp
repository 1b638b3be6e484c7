// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna::portable {

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.add(a[j], b[j]);
    }
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.subtract(a[j], b[j]);
    }
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.negate(a[j]);
    }
}

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = q.reduce(a[j]);
    }
}

void from_signed(Word* out, const Word* a, std::size_t n, const Modulus& q) {
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = a[j] + (q.value() & (Word{0} - (a[j] >> 63)));
    }
}

void lift_centred(Word* out, const Word* a, std::size_t n, const Modulus& p, const Modulus& q) {
    const Word half = p.value() / 2;
    const Word step = q.value() - p.value();  // wraps where p > q
    for (std::size_t j = 0; j < n; ++j) {
        out[j] = a[j] + (step & (Word{0} - ((half - a[j]) >> 63)));
    }
}

}  // namespace lacuna::portable
