// SPDX-License-Identifier: Apache-2.0
#include "tests/ntt/kernels/kernels_fixture.h"

namespace lacuna {

TEST_P(KernelsTest, SparseTile) {
    constexpr std::size_t rows = 24;
    constexpr std::size_t stride = 320;
    for (const Modulus& q : moduli()) {
        const Buffer packed = source_.buffer(rows * stride + 64, 0, q.value() - 1);
        for (std::size_t length = 8; length <= 256; length += 8) {
            for (const std::size_t misalignment : {0, 1, 5}) {
                std::vector<std::uint32_t> offsets;
                std::vector<TermGroup> groups;
                const std::size_t group_count = source_() % 7;
                for (std::size_t g = 0; g < group_count; ++g) {
                    TermGroup group;
                    group.begin = static_cast<std::uint32_t>(offsets.size());
                    const std::size_t plus = source_() % 4;
                    const std::size_t minus = source_() % 4;
                    for (std::size_t i = 0; i < plus + minus; ++i) {
                        offsets.push_back(static_cast<std::uint32_t>(source_() % (rows * stride - length)));
                    }
                    group.middle = group.begin + static_cast<std::uint32_t>(plus);
                    group.end = group.middle + static_cast<std::uint32_t>(minus);
                    group.shift = static_cast<std::int32_t>(source_() % 16) - 1;
                    group.multiplier = group.shift >= 0 ? Word{1} << group.shift : source_.word(0, 1 << 14);
                    groups.push_back(group);
                }
                // The arithmetic wraps, so any words and any offset must agree, whether or not they fit the
                // bound.
                const Word offset = source_.word(0, limit64);
                for (const bool accumulate : {false, true}) {
                    Buffer expected = source_.buffer(256, 0, q.value() - 1);
                    Buffer found = expected;
                    portable().sparse_tile(expected.data(), length, packed.data() + misalignment,
                                           offsets.data(), groups.data(), groups.size(), offset, accumulate,
                                           q);
                    kernels().sparse_tile(found.data(), length, packed.data() + misalignment, offsets.data(),
                                          groups.data(), groups.size(), offset, accumulate, q);
                    ASSERT_TRUE(equal(expected, found))
                        << "q = " << q.value() << ", length " << length << ", misaligned by " << misalignment;
                }
            }
        }
    }
}

}  // namespace lacuna
