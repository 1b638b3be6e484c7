// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/run_control.h>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace lacuna::testing {
namespace {

TEST(ParallelFor, DoesEveryPartOnceOnAnyNumberOfThreads) {
    for (const int threads : {-1, 0, 1, 2, 5}) {
        RunControl control;
        control.threads = threads;
        std::vector<std::atomic<int>> done(1000);
        parallel_for(done.size(), control, "count", 0, 1, 1, [&](std::size_t i) { ++done[i]; });
        for (const auto& count : done) {
            EXPECT_EQ(count, 1);
        }
    }
    parallel_for(0, {}, "nothing", 0, 1, 1, [](std::size_t) { FAIL(); });
}

TEST(ParallelFor, ReportsInOrderAndOnlyAFewHundredTimes) {
    for (const std::size_t count : {1, 7, 100, 10000}) {
        RunControl control;
        control.threads = 4;
        std::vector<double> reports;
        control.progress = [&](const Progress& progress) {
            EXPECT_EQ(progress.what, "work");
            EXPECT_EQ(progress.total, 10);
            reports.push_back(progress.done);
        };
        parallel_for(count, control, "work", 2, 5, 10, [](std::size_t) {});
        ASSERT_FALSE(reports.empty());
        EXPECT_LE(reports.size(), 200U);
        EXPECT_GT(reports.front(), 2);
        EXPECT_NEAR(reports.back(), 5, 1e-9);
        for (std::size_t i = 1; i < reports.size(); ++i) {
            EXPECT_GT(reports[i], reports[i - 1]);
        }
    }
}

TEST(ParallelFor, ThrowsWhatAPartThrew) {
    for (const int threads : {1, 3}) {
        RunControl control;
        control.threads = threads;
        std::atomic<int> done = 0;
        try {
            parallel_for(100000, control, "work", 0, 1, 1, [&](std::size_t i) {
                if (i == 17) {
                    throw std::runtime_error("part 17");
                }
                ++done;
            });
            FAIL() << "nothing was thrown";
        } catch (const std::runtime_error& error) {
            EXPECT_STREQ(error.what(), "part 17");
        }
        EXPECT_LT(done, 100000);
    }
}

TEST(ParallelFor, ThrowsWhatTheProgressCallbackThrew) {
    RunControl control;
    control.threads = 3;
    control.progress = [](const Progress&) { throw std::runtime_error("the terminal is gone"); };
    EXPECT_THROW(parallel_for(1000, control, "work", 0, 1, 1, [](std::size_t) {}), std::runtime_error);
}

TEST(ParallelFor, MayBeCalledFromAProgressCallback) {
    RunControl control;
    control.threads = 2;
    int inner = 0;
    control.progress = [&](const Progress&) {
        RunControl other;
        other.progress = [&](const Progress&) { ++inner; };
        parallel_for(3, other, "inner", 0, 1, 1, [](std::size_t) {});
    };
    parallel_for(5, control, "outer", 0, 1, 1, [](std::size_t) {});
    EXPECT_EQ(inner, 15);
}

TEST(ParallelFor, EndsWithStoppedWhereAskedTo) {
    std::stop_source source;
    RunControl control;
    control.threads = 2;
    control.stop = source.get_token();
    std::atomic<int> done = 0;
    EXPECT_THROW(parallel_for(100000, control, "work", 0, 1, 1,
                              [&](std::size_t) {
                                  if (++done == 10) {
                                      source.request_stop();
                                  }
                              }),
                 Stopped);
    EXPECT_LT(done, 100000);
    EXPECT_THROW(control.check(), Stopped);
}

}  // namespace
}  // namespace lacuna::testing
