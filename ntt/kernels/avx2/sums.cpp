// SPDX-License-Identifier: Apache-2.0
//
// Sums of products. They share no loop with AVX-512: doubles have to reduce every product, the integer
// multipliers add halves of products without any reduction before the end.
#include <lacuna/ntt/kernels/avx2/modular.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

namespace {

/// Terms, each at most 0.875 q, that are summed before the sum is reduced: it stays below 8q.
constexpr std::size_t lazy_terms = 8;
constexpr std::size_t max_terms = 64;

}  // namespace

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q) {
    const Constants c(q);
    for (std::size_t j = 0; j < n; j += lanes) {
        Real sum = _mm256_setzero_pd();
        for (std::size_t i = 0; i < count; ++i) {
            sum = _mm256_add_pd(sum, multiply(to_real(load(a[i] + j)), to_real(load(b[i] + j)), c));
            if (i % lazy_terms == lazy_terms - 1) {
                sum = centre(sum, c);
            }
        }
        store(out + j, finish(centre(sum, c), c));
    }
}

void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q) {
    const Constants c(q);
    Twiddle factors[max_terms];
    for (std::size_t i = 0; i < count; ++i) {
        factors[i] = to_twiddle(weights[i], q);
    }
    for (std::size_t j = 0; j < n; j += lanes) {
        Real sum = _mm256_setzero_pd();
        for (std::size_t i = 0; i < count; ++i) {
            sum = _mm256_add_pd(sum, multiply(to_real(load(rows[i] + j)), factors[i], c));
            if (i % lazy_terms == lazy_terms - 1) {
                sum = centre(sum, c);
            }
        }
        store(out + j, finish(centre(sum, c), c));
    }
}

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
