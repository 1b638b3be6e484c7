// SPDX-License-Identifier: Apache-2.0
#include "ntt/buffer.h"

#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace lacuna {

namespace {

TEST(Buffer, IsAlignedAndZero) {
    for (const std::size_t size : {1, 7, 8, 1000, 8192, 5000000}) {
        const Buffer buffer(size);
        EXPECT_EQ(buffer.size(), size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
        for (const std::uint64_t word : buffer.span()) {
            ASSERT_EQ(word, 0u);
        }
    }
}

TEST(Buffer, EmptyHoldsNothing) {
    Buffer buffer;
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.data(), nullptr);
    EXPECT_EQ(Buffer(0).size(), 0u);
    const Buffer copy = buffer;
    EXPECT_TRUE(copy.empty());
}

TEST(Buffer, CopiesAndMoves) {
    Buffer a(100, Secrecy::secret);
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = i;
    }
    Buffer copy = a;
    copy[3] = 77;
    EXPECT_EQ(a[3], 3u);
    EXPECT_EQ(copy.secrecy(), Secrecy::secret);
    const std::uint64_t* storage = copy.data();
    Buffer moved = std::move(copy);
    EXPECT_EQ(moved.data(), storage);
    a = moved;
    EXPECT_EQ(a[3], 77u);
    a = std::move(moved);
    EXPECT_EQ(a.data(), storage);
    a = *&a;
    EXPECT_EQ(a[99], 99u);
}

TEST(Buffer, SecretStorageIsZeroedBeforeItIsRecycled) {
    std::vector<const std::uint64_t*> addresses;
    {
        Buffer secret = Buffer::uninitialised(512, Secrecy::secret);
        for (std::uint64_t& word : secret.span()) {
            word = 0x5ec4e7;
        }
        addresses.push_back(secret.data());
    }
    // The cache of this thread hands the same storage out again.
    const Buffer next = Buffer::uninitialised(512);
    ASSERT_EQ(next.data(), addresses.front());
    for (const std::uint64_t word : next.span()) {
        ASSERT_EQ(word, 0u);
    }
}

TEST(Buffer, CrossesThreads) {
    Buffer made(1000);
    made[5] = 5;
    std::thread taker([buffer = std::move(made)]() mutable {
        buffer[6] = buffer[5] + 1;
        EXPECT_EQ(buffer[6], 6u);
    });
    taker.join();
    Buffer back;
    std::thread giver([&back] { back = Buffer(2000); });
    giver.join();
    EXPECT_EQ(back[1999], 0u);
}

}  // namespace

}  // namespace lacuna
