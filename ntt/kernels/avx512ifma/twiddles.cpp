// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx512ifma/transform.h>
#include <lacuna/ntt/kernels/twiddle_powers.h>

#include <lacuna/ntt/kernels/avx512ifma/region_begin.h>

namespace lacuna::avx512ifma {

namespace {

enum class Direction { forward, inverse };

/// Writes the constants of one direction from its TwiddlePowers.
template <Direction direction>
Buffer lay_out(std::size_t n, const Modulus& modulus, const Buffer& powers, Word scale) {
    const Plan plan(n);
    Buffer table(plan.words);
    const auto put = [&](std::size_t position, std::size_t gap, Word w) {
        table[position] = w;
        table[position + gap] = twiddle_quotient(w, modulus);
    };
    // The constant of block `block` of 2^stage; odd blocks of the inverse go on as a y, negated.
    const auto power = [&](std::size_t blocks, std::size_t block) {
        const Word w = powers[blocks + block];
        return direction == Direction::inverse && block % 2 != 0 ? modulus.value() - w : w;
    };
    put(0, 1, scale);
    put(2, 1, powers[1]);
    lay_out_passes(plan, [&](std::size_t position, std::size_t blocks, std::size_t block) {
        put(position, 1, power(blocks, block));
    });
    for (std::size_t unit = 0; unit < n / unit_words; ++unit) {
        const std::size_t position = plan.last_offset + unit / set_units * set_constants;
        put(position + 2 * (unit % set_units), 1, power(n / unit_words, unit));
    }
    // After the transposition, lane l of the registers belongs to the l-th group of eight words. There the
    // inverse's sums are not negated, so nor are its products where a group ends.
    for (std::size_t row = 0; row < n / lanes; ++row) {
        const std::size_t position = plan.last_offset + row / lanes * set_constants + set_head + row % lanes;
        put(position, lanes, powers[n / lanes + row]);
        for (int s = 1; s < lane_stages; ++s) {
            for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                put(position + lanes * (pass_constants(s) + 2 * i), lanes,
                    power((n / lanes) << s, (row << s) + i));
            }
        }
    }
    return table;
}

}  // namespace

void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse) {
    const TwiddlePowers powers(n, q, root);
    forward = lay_out<Direction::forward>(n, q, powers.forward, powers.scale);
    inverse = lay_out<Direction::inverse>(n, q, powers.inverse, powers.scale);
}

}  // namespace lacuna::avx512ifma

#include <lacuna/ntt/kernels/avx512ifma/region_end.h>
