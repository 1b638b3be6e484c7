// SPDX-License-Identifier: Apache-2.0
#include <iterator>

#include <lacuna/ntt/kernels/avx2/transform.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

namespace {

/// x, y -> x + w y, x - w y.
[[gnu::always_inline]] inline void forward_butterfly(Real& x, Real& y, const Twiddle& w, const Constants& c) {
    const Real product = multiply(y, w, c);
    y = _mm256_sub_pd(x, product);
    x = _mm256_add_pd(x, product);
}

// Stages between registers: `columns` independent sets of 2^stages registers go in step, because one leaves
// the units waiting for each other. Pair 2^s - 1 + i of the table belongs to block i of stage s; the tables
// of two sets are `table_step` words apart.

/// One or two stages.
template <int stages, bool per_lane, int columns>
[[gnu::always_inline]] inline void forward_stages(Real (*x)[1 << stages], const Word* table,
                                                  std::size_t table_step, const Constants& c) {
#pragma GCC unroll 2
    for (int stage = 0; stage < stages; ++stage) {
        const int half = 1 << (stages - 1 - stage);
#pragma GCC unroll 2
        for (int i = 0; i < (1 << stages) / 2; ++i) {
            const int block = i / half;
            const int upper = i + block * half;
#pragma GCC unroll 2
            for (int column = 0; column < columns; ++column) {
                const Word* constants = table + static_cast<std::size_t>(column) * table_step;
                forward_butterfly(x[column][upper], x[column][upper + half],
                                  load_twiddle<per_lane>(constants, (1 << stage) - 1 + block), c);
            }
        }
    }
}

/// How a forward pass reads the array: as words (the first one), as doubles, or as doubles to be reduced.
enum class Input { words, reals, unreduced };

template <Input input>
inline Real read(const Word* p, const Constants& c) {
    if constexpr (input == Input::words) {
        return _mm256_sub_pd(to_real(load(p)), _mm256_add_pd(c.q, c.q));  // [0, 4q) -> [-2q, 2q)
    } else if constexpr (input == Input::reals) {
        return load_real(p);
    } else {
        return centre(load_real(p), c);
    }
}

template <int stages, Input input>
void forward_pass(Word* a, const Word* source, std::size_t stride, const Word* table,
                  const Constants& constants) {
    constexpr std::size_t rows = std::size_t{1} << stages;
    const Constants c = constants;
    for (std::size_t j = 0; j < stride; j += 2 * lanes) {
        Real x[2][rows];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows; ++i) {
            x[0][i] = read<input>(source + i * stride + j, c);
            x[1][i] = read<input>(source + i * stride + j + lanes, c);
        }
        forward_stages<stages, false, 2>(x, table, 0, c);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows; ++i) {
            store_real(a + i * stride + j, x[0][i]);
            store_real(a + i * stride + j + lanes, x[1][i]);
        }
    }
}

/// From any range that ForwardRange allows to [0, q), `columns` blocks of 16 words at a time.
template <Input input, std::size_t columns>
void forward_span(Word* a, std::size_t blocks, const Word* table, const Constants& c) {
    for (std::size_t block = 0; block < blocks; block += columns) {
        Real x[columns][lanes];
#pragma GCC unroll 2
        for (std::size_t column = 0; column < columns; ++column) {
#pragma GCC unroll 4
            for (std::size_t i = 0; i < lanes; ++i) {
                x[column][i] = read<input>(a + (block + column) * block_words + lanes * i, c);
            }
        }
        forward_stages<2, false, columns>(x, table + block * block_constants, block_constants, c);
        store_blocks<columns>(a + block * block_words, x);
    }
    for (std::size_t block = 0; block < blocks; block += columns) {
        Real x[columns][lanes];
        load_blocks<columns>(x, a + block * block_words);
#pragma GCC unroll 2
        for (std::size_t column = 0; column < columns; ++column) {
            transpose(x[column]);
        }
        forward_stages<2, true, columns>(x, table + block * block_constants + block_head, block_constants, c);
        store_blocks<columns>(a + block * block_words, x);
    }
    for (std::size_t block = 0; block < blocks; ++block) {
        Real x[1][lanes];
        load_blocks<1>(x, a + block * block_words);
        transpose(x[0]);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < lanes; ++i) {
            store(a + block * block_words + lanes * i, finish(centre(x[0][i], c), c));
        }
    }
}

/// The bound on |x| / q after `stages` forward stages from `bound`: a product is at most 0.75 q, or q from 4q
/// on.
constexpr double forward_growth(double bound, int stages) {
    for (int i = 0; i < stages; ++i) {
        bound += bound <= 4 ? 0.75 : 1;
    }
    return bound;
}

/// Decides whether a forward pass has to reduce its input so that everything stays below 8q <= 2^53.
class ForwardRange {
  public:
    Input next(int stages) {
        Input input = Input::reals;
        if (bound_ == 0) {
            input = Input::words;
            bound_ = 2;
        } else if (forward_growth(bound_, stages) >= 8) {
            input = Input::unreduced;
            bound_ = 0.75;  // q / 2 + 1
        }
        bound_ = forward_growth(bound_, stages);
        return input;
    }

  private:
    double bound_ = 0;
};

template <Input input>
void forward_passes(Word* a, const Word* source, std::size_t length, std::size_t first_block,
                    std::size_t blocks, const Pass& pass, const Word* table, const Constants& c) {
    const std::size_t step = pass_constants(pass.stages);
    table += pass.offset + first_block * step;
    for (std::size_t block = 0; block < blocks; ++block, a += length, source += length, table += step) {
        if (pass.stages == 1) {
            forward_pass<1, input>(a, source, length / 2, table, c);
        } else {
            forward_pass<2, input>(a, source, length / 4, table, c);
        }
    }
}

void forward_passes(Word* a, const Word* source, std::size_t length, std::size_t first_block,
                    std::size_t blocks, const Pass& pass, Input input, const Word* table,
                    const Constants& c) {
    switch (input) {
        case Input::words:
            forward_passes<Input::words>(a, source, length, first_block, blocks, pass, table, c);
            break;
        case Input::reals:
            forward_passes<Input::reals>(a, source, length, first_block, blocks, pass, table, c);
            break;
        default:
            forward_passes<Input::unreduced>(a, source, length, first_block, blocks, pass, table, c);
    }
}

template <Input input>
void forward_last(Word* a, std::size_t blocks, const Word* table, const Constants& constants) {
    const Constants c = constants;
    if (blocks == 1) {
        forward_span<input, 1>(a, 1, table, c);
        return;
    }
    const std::size_t step = std::min(blocks, span_blocks);
    for (std::size_t block = 0; block < blocks; block += step) {
        forward_span<input, 2>(a + block * block_words, step, table + block * block_constants, c);
    }
}

}  // namespace

void ntt_forward(const NttTables& tables, Word* a, const Word* source) {
    const Plan plan(tables.size());
    const Constants c(tables.modulus());
    const Word* table = tables.forward_twiddles().data();
    ForwardRange range;
    Input inputs[std::size(plan.passes)];
    for (int p = 0; p < plan.count; ++p) {
        inputs[p] = range.next(plan.passes[p].stages);
    }
    const Input last_input = range.next(last_stages);
    run_forward(
        plan, a, source,
        [&](int p, Word* out, const Word* in, std::size_t length, std::size_t first, std::size_t blocks) {
            forward_passes(out, in, length, first, blocks, plan.passes[p], inputs[p], table, c);
        },
        [&](Word* out, std::size_t first, std::size_t words) {
            const Word* constants = table + plan.last_offset + first / block_words * block_constants;
            switch (last_input) {
                case Input::words:
                    forward_last<Input::words>(out, words / block_words, constants, c);
                    break;
                case Input::reals:
                    forward_last<Input::reals>(out, words / block_words, constants, c);
                    break;
                default:
                    forward_last<Input::unreduced>(out, words / block_words, constants, c);
            }
        });
}

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
