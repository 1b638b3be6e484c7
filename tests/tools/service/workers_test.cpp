// SPDX-License-Identifier: Apache-2.0
#include "tools/service/workers.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include <lacuna/nn/run_control.h>
#include "tools/service/request_error.h"

namespace lacuna::service {
namespace {

using Clock = Workers::Clock;

const auto stays = [] { return false; };
const auto leaves = [] { return true; };
Clock::time_point later() {
    return Clock::now() + std::chrono::minutes(5);
}

/// A job that holds its worker until it is let go.
struct Holder {
    Workers::Job job() {
        return [this](const std::stop_token&) {
            started.set_value();
            release.get_future().wait();
        };
    }
    std::promise<void> started;
    std::promise<void> release;
};

TEST(Workers, RunAJobAndThrowWhatItThrows) {
    Workers workers(1, 0);
    int runs = 0;
    (void)workers.run([&](const std::stop_token&) { ++runs; }, stays, later());
    EXPECT_EQ(runs, 1);
    EXPECT_THROW((void)workers.run([](const std::stop_token&) { throw Error("a text"); }, stays, later()),
                 Error);
}

TEST(Workers, RefuseWhatDoesNotFitTheQueue) {
    Workers workers(1, 1);
    Holder first;
    const Workers::Job hold = first.job();
    auto held = std::async(std::launch::async, [&] { (void)workers.run(hold, stays, later()); });
    first.started.get_future().wait();
    std::atomic<bool> ran = false;
    const Workers::Job next = [&](const std::stop_token&) { ran = true; };
    auto queued = std::async(std::launch::async, [&] { (void)workers.run(next, stays, later()); });
    while (workers.waiting() == 0) {
        std::this_thread::yield();
    }
    EXPECT_THROW(workers.check_room(), RequestError);
    try {
        (void)workers.run(next, stays, later());
        FAIL() << "expected no place";
    } catch (const RequestError& problem) {
        EXPECT_EQ(problem.status(), 503);
        EXPECT_GT(problem.retry_after(), 0);
    }
    EXPECT_FALSE(ran);
    first.release.set_value();
    held.get();
    queued.get();
    EXPECT_TRUE(ran);
    workers.check_room();
}

TEST(Workers, StopTheWorkOfWhoHasLeft) {
    Workers workers(1, 1);
    bool stopped = false;
    EXPECT_THROW((void)workers.run(
                     [&](const std::stop_token& stop) {
                         while (!stop.stop_requested()) {
                             std::this_thread::yield();
                         }
                         stopped = true;
                         throw Stopped();
                     },
                     leaves, later()),
                 Stopped);
    EXPECT_TRUE(stopped);
}

TEST(Workers, TakeOutOfTheQueueWhoHasLeft) {
    Workers workers(1, 1);
    Holder first;
    const Workers::Job hold = first.job();
    auto held = std::async(std::launch::async, [&] { (void)workers.run(hold, stays, later()); });
    first.started.get_future().wait();
    bool ran = false;
    EXPECT_THROW((void)workers.run([&](const std::stop_token&) { ran = true; }, leaves, later()), Stopped);
    EXPECT_EQ(workers.waiting(), 0U);
    first.release.set_value();
    held.get();
    EXPECT_FALSE(ran);
}

TEST(Workers, StopWhatTakesTooLong) {
    Workers workers(1, 1);
    try {
        (void)workers.run(
            [](const std::stop_token& stop) {
                while (!stop.stop_requested()) {
                    std::this_thread::yield();
                }
                throw Stopped();
            },
            stays, Clock::now());
        FAIL() << "expected an end";
    } catch (const RequestError& problem) {
        EXPECT_EQ(problem.status(), 503);
        EXPECT_EQ(problem.code(), "time");
    }
}

}  // namespace
}  // namespace lacuna::service
