// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna::portable {

namespace {

/// Sums that are kept in registers side by side: their additions with carry would otherwise wait for each
/// other.
constexpr std::size_t sum_columns = 4;

}  // namespace

void dot(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
         const Modulus& q) {
    for (std::size_t j = 0; j < n; j += sum_columns) {
        uint128_t sum[sum_columns] = {};
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < sum_columns; ++k) {
                sum[k] += uint128_t{a[i][j + k]} * b[i][j + k];
            }
        }
        for (std::size_t k = 0; k < sum_columns; ++k) {
            out[j + k] = q.reduce(sum[k]);
        }
    }
}

/// Weights are read as they are.
void prepare_weights(Word*, std::size_t, const Modulus&) {}

/// Some columns at a time, as in dot.
void weighted_sum(Word* out, const Word* const* rows, const Word* weights, std::size_t count, std::size_t n,
                  const Modulus& q) {
    for (std::size_t j = 0; j < n; j += sum_columns) {
        uint128_t sum[sum_columns] = {};
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < sum_columns; ++k) {
                sum[k] += uint128_t{rows[i][j + k]} * weights[i];
            }
        }
        for (std::size_t k = 0; k < sum_columns; ++k) {
            out[j + k] = q.reduce(sum[k]);
        }
    }
}

/// The 104-bit products are taken apart by shifting the row: floor(x f / 2^52) is the high word of (x 2^12)
/// f. Some columns at a time, so that the sums stay in registers while the rows pass.
void round_fractions(Word* out, const Word* const* rows, const Word* high, const Word* low, std::size_t count,
                     std::size_t n) {
    constexpr Word mask = (Word{1} << 52) - 1;
    for (std::size_t j = 0; j < n; j += sum_columns) {
        Word whole[sum_columns] = {};
        Word part[sum_columns];
        std::fill_n(part, sum_columns, Word{1} << 51);
        for (std::size_t i = 0; i < count; ++i) {
            const Word* row = rows[i] + j;
            for (std::size_t k = 0; k < sum_columns; ++k) {
                const Word shifted = row[k] << 12;
                whole[k] += static_cast<Word>((uint128_t{shifted} * high[i]) >> 64);
                part[k] += (row[k] * high[i] & mask) + static_cast<Word>((uint128_t{shifted} * low[i]) >> 64);
            }
        }
        for (std::size_t k = 0; k < sum_columns; ++k) {
            out[j + k] = whole[k] + (part[k] >> 52);
        }
    }
}

}  // namespace lacuna::portable
