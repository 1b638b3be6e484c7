// SPDX-License-Identifier: Apache-2.0
//
// How a transform is cut into passes, the same for every vector kernel: passes of a few stages over blocks of
// the array, then a last one that makes the last_stages stages within short runs of words. Blocks of at most
// chunk_words, which fit the first-level cache, go through all the late passes before the next one starts.
// The constants lie in the order in which the passes read them. Of an instruction set this takes
//
//   lanes
//   table_head           words at the beginning of a table; the first four are the pairs of the inverse's
//   last
//                        stage, for the sums (1/n) and for the differences
//   pass_stages(left)    stages of the next pass where `left` are left before the last pass
//   last_constants(n)    words of constants that the last pass reads

constexpr int last_stages = 4;
constexpr std::size_t chunk_words = 4096;
constexpr std::size_t table_ends = 4;

/// One pass: `done` stages come before it, so that there are 2^done blocks; their constants begin at
/// `offset`.
struct Pass {
    int done = 0;
    int stages = 0;
    std::size_t offset = 0;
};

/// Words of constants that a block of a pass of s stages between registers needs: 2^s - 1 pairs of a twiddle
/// and its quotient.
constexpr std::size_t pass_constants(int stages) {
    return 2 * ((std::size_t{1} << stages) - 1);
}

/// How a transform of n words is cut into passes.
struct Plan {
    explicit Plan(std::size_t size) : n(size), last_done(std::countr_zero(n) - last_stages) {
        std::size_t offset = table_head;
        for (int done = 0; done < last_done; done += passes[count++].stages) {
            passes[count] = {done, pass_stages(last_done - done), offset};
            offset += pass_constants(passes[count].stages) << done;
        }
        last_offset = (offset + lanes - 1) / lanes * lanes;
        words = last_offset + last_constants(n);
        while (whole < count && block(whole) > chunk_words) {
            ++whole;
        }
    }

    /// Words of a block of pass p; for p = count, of the last pass.
    [[nodiscard]] std::size_t block(int p) const { return n >> (p < count ? passes[p].done : last_done); }

    std::size_t n;
    int count = 0;
    int whole = 0;  ///< the first passes, which go over the whole array
    Pass passes[6];
    int last_done;
    std::size_t last_offset = 0;
    std::size_t words = 0;
};

/// A forward transform from source to a. make_pass(p, out, in, length, first, blocks) makes pass p on
/// `blocks` blocks of `length` words, of which the first is block `first` of the array; make_last(a, first,
/// words) the last pass from word `first` of the array on.
template <typename MakePass, typename MakeLast>
void run_forward(const Plan& plan, Word* a, const Word* source, const MakePass& make_pass,
                 const MakeLast& make_last) {
    for (int p = 0; p < plan.whole; ++p) {
        make_pass(p, a, source, plan.block(p), 0, plan.n / plan.block(p));
        source = a;
    }
    if (source != a) {  // all of it fits the first-level cache
        std::copy_n(source, plan.n, a);
    }
    const std::size_t chunk = plan.block(plan.whole);
    for (std::size_t first = 0; first < plan.n; first += chunk) {
        for (int p = plan.whole; p < plan.count; ++p) {
            const std::size_t length = plan.block(p);
            make_pass(p, a + first, a + first, length, first / length, chunk / length);
        }
        make_last(a + first, first, chunk);
    }
}

/// An inverse transform in place: the same backwards. make_pass(p, a, length, first, blocks), make_last as
/// above.
template <typename MakePass, typename MakeLast>
void run_inverse(const Plan& plan, Word* a, const MakePass& make_pass, const MakeLast& make_last) {
    const std::size_t chunk = plan.block(plan.whole);
    for (std::size_t first = 0; first < plan.n; first += chunk) {
        make_last(a + first, first, chunk);
        for (int p = plan.count; p-- > plan.whole;) {
            const std::size_t length = plan.block(p);
            make_pass(p, a + first, length, first / length, chunk / length);
        }
    }
    for (int p = plan.whole; p-- > 0;) {
        make_pass(p, a, plan.block(p), 0, plan.n / plan.block(p));
    }
}

/// The constants of `stages` stages from block `block` of `blocks` on, at `position` of a table:
/// put(position, blocks, block) writes the pair of one block of a stage of `blocks` blocks.
template <typename Put>
void lay_out_block(std::size_t position, int stages, std::size_t blocks, std::size_t block, const Put& put) {
    for (int s = 0; s < stages; ++s) {
        for (std::size_t i = 0; i < std::size_t{1} << s; ++i) {
            put(position + pass_constants(s) + 2 * i, blocks << s, (block << s) + i);
        }
    }
}

/// The constants of all passes but the last.
template <typename Put>
void lay_out_passes(const Plan& plan, const Put& put) {
    for (int p = 0; p < plan.count; ++p) {
        const Pass& pass = plan.passes[p];
        const std::size_t blocks = std::size_t{1} << pass.done;
        for (std::size_t block = 0; block < blocks; ++block) {
            lay_out_block(pass.offset + block * pass_constants(pass.stages), pass.stages, blocks, block, put);
        }
    }
}
