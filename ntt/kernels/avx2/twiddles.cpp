// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx2/transform.h>
#include <lacuna/ntt/kernels/twiddle_powers.h>

#include <lacuna/ntt/kernels/avx2/region_begin.h>

namespace lacuna::avx2 {

namespace {

/// Writes the constants of one direction from its TwiddlePowers.
Buffer lay_out(std::size_t n, const Modulus& q, const Buffer& powers, Word scale) {
    const Plan plan(n);
    Buffer table(plan.words);
    const auto put = [&](std::size_t position, std::size_t gap, Word w) {
        put_twiddle(table.data() + position, gap, w, q);
    };
    const auto put_pair = [&](std::size_t position, std::size_t blocks, std::size_t block) {
        put(position, 1, powers[blocks + block]);
    };
    put(0, 1, scale);
    put(2, 1, powers[1]);
    lay_out_passes(plan, put_pair);
    for (std::size_t block = 0; block < n / block_words; ++block) {
        const std::size_t position = plan.last_offset + block * block_constants;
        lay_out_block(position, 2, n / block_words, block, put_pair);
        // After the transposition, lane l of every register belongs to the l-th group of four words.
        for (int s = 0; s < 2; ++s) {
            for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    put(position + block_head + 2 * lanes * ((std::size_t{1} << s) - 1 + i) + lane, lanes,
                        powers[((n / lanes + block * lanes + lane) << s) + i]);
                }
            }
        }
    }
    return table;
}

}  // namespace

void build_twiddles(std::size_t n, const Modulus& q, Word root, Buffer& forward, Buffer& inverse) {
    const TwiddlePowers powers(n, q, root);
    forward = lay_out(n, q, powers.forward, powers.scale);
    inverse = lay_out(n, q, powers.inverse, powers.scale);
}

}  // namespace lacuna::avx2

#include <lacuna/ntt/kernels/avx2/region_end.h>
