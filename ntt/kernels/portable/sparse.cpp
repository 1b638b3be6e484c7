// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna::portable {

/// Eight words at a time, so that the running sums stay in registers while the terms pass.
void sparse_tile(Word* out, std::size_t length, const Word* packed, const std::uint32_t* offsets,
                 const TermGroup* groups, std::size_t group_count, Word offset, bool accumulate,
                 const Modulus& q) {
    constexpr std::size_t lanes = 8;
    for (std::size_t base = 0; base < length; base += lanes) {
        const Word* source = packed + base;
        Word total[lanes];
        for (Word& word : total) {
            word = offset;
        }
        for (std::size_t g = 0; g < group_count; ++g) {
            const TermGroup& group = groups[g];
            Word sum[lanes] = {};
            for (std::uint32_t i = group.begin; i < group.middle; ++i) {
                for (std::size_t k = 0; k < lanes; ++k) {
                    sum[k] += source[offsets[i] + k];
                }
            }
            for (std::uint32_t i = group.middle; i < group.end; ++i) {
                for (std::size_t k = 0; k < lanes; ++k) {
                    sum[k] -= source[offsets[i] + k];
                }
            }
            if (group.shift >= 0) {
                for (std::size_t k = 0; k < lanes; ++k) {
                    total[k] += sum[k] << group.shift;
                }
            } else {
                for (std::size_t k = 0; k < lanes; ++k) {
                    total[k] += sum[k] * group.multiplier;
                }
            }
        }
        for (std::size_t k = 0; k < lanes; ++k) {
            const Word reduced = q.reduce(total[k]);
            out[base + k] = accumulate ? q.add(out[base + k], reduced) : reduced;
        }
    }
}

}  // namespace lacuna::portable
