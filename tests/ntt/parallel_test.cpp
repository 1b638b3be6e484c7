// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/parallel.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna::testing {
namespace {

TEST(ParallelFor, CallsEveryIndexOnce) {
    for (const int threads : {-1, 0, 1, 2, 7}) {
        for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
            std::vector<std::atomic<int>> calls(count);
            parallel_for(count, threads, [&](std::size_t i) { ++calls[i]; });
            for (std::size_t i = 0; i < count; ++i) {
                EXPECT_EQ(calls[i].load(), 1) << i << " of " << count << " on " << threads;
            }
        }
    }
}

TEST(ParallelFor, ThrowsWhatACallThrowsAndBeginsNoMore) {
    for (const int threads : {1, 4}) {
        std::atomic<int> calls = 0;
        const auto run = [&] {
            parallel_for(1000, threads, [&](std::size_t) {
                ++calls;
                throw std::runtime_error("one of them");
            });
        };
        EXPECT_THROW(run(), std::runtime_error);
        EXPECT_LE(calls.load(), threads);
    }
}

/// A loop inside a loop is one more loop, whoever runs it.
TEST(ParallelFor, Nests) {
    std::atomic<int> calls = 0;
    parallel_for(3, 2, [&](std::size_t) { parallel_for(5, 2, [&](std::size_t) { ++calls; }); });
    EXPECT_EQ(calls.load(), 15);
}

}  // namespace
}  // namespace lacuna::testing
