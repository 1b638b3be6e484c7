// SPDX-License-Identifier: Apache-2.0
//
// The sparse monomial product. Of an instruction set this takes what elementwise.h takes, and
//
//   load_unaligned
//   shift_left(x, count)   every word by the same count
//   multiply_low(x, y)     the low 64 bits of each product
//   narrower(vectors)      how many registers the next narrower column has

namespace {

/// A column of `vectors` registers: while the terms of the row pass, its sums stay in registers.
template <std::size_t vectors>
void sparse_column(Word* out, const Word* packed, const std::uint32_t* offsets, const TermGroup* groups,
                   std::size_t group_count, Word offset, bool accumulate, const WordReducer& reducer) {
    Vec total[vectors];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < vectors; ++k) {
        total[k] = broadcast(offset);
    }
    for (const TermGroup* group = groups; group != groups + group_count; ++group) {
        Vec sum[vectors];
#pragma GCC unroll 8
        for (std::size_t k = 0; k < vectors; ++k) {
            sum[k] = zero();
        }
        const std::uint32_t* term = offsets + group->begin;
        for (; term != offsets + group->middle; ++term) {
            const Word* source = packed + *term;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                sum[k] = plus(sum[k], load_unaligned(source + k * lanes));
            }
        }
        for (; term != offsets + group->end; ++term) {
            const Word* source = packed + *term;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                sum[k] = minus(sum[k], load_unaligned(source + k * lanes));
            }
        }
        if (group->shift >= 0) {
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                total[k] = plus(total[k], shift_left(sum[k], group->shift));
            }
        } else {
            const Vec multiplier = broadcast(group->multiplier);
#pragma GCC unroll 8
            for (std::size_t k = 0; k < vectors; ++k) {
                total[k] = plus(total[k], multiply_low(sum[k], multiplier));
            }
        }
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < vectors; ++k) {
        Vec reduced = reducer.reduce(total[k]);
        if (accumulate) {
            reduced = correct(plus(reduced, load(out + k * lanes)), reducer.q());
        }
        store(out + k * lanes, reduced);
    }
}

/// The columns of a tile from word `done` on: as many as fit of `vectors` registers each, then the rest in
/// narrower ones, down to eight words.
template <std::size_t vectors>
void sparse_columns(std::size_t done, Word* out, std::size_t length, const Word* packed,
                    const std::uint32_t* offsets, const TermGroup* groups, std::size_t group_count,
                    Word offset, bool accumulate, const WordReducer& reducer) {
    constexpr std::size_t width = vectors * lanes;
    for (; done + width <= length; done += width) {
        sparse_column<vectors>(out + done, packed + done, offsets, groups, group_count, offset, accumulate,
                               reducer);
    }
    if constexpr (width > 8) {
        sparse_columns<narrower(vectors)>(done, out, length, packed, offsets, groups, group_count, offset,
                                          accumulate, reducer);
    }
}

}  // namespace

void sparse_tile(Word* out, std::size_t length, const Word* packed, const std::uint32_t* offsets,
                 const TermGroup* groups, std::size_t group_count, Word offset, bool accumulate,
                 const Modulus& q) {
    if (q.value() < WordReducer::least_modulus) {
        portable::sparse_tile(out, length, packed, offsets, groups, group_count, offset, accumulate, q);
        return;
    }
    sparse_columns<8>(0, out, length, packed, offsets, groups, group_count, offset, accumulate,
                      WordReducer(q));
}
