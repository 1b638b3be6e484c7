// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/buffer.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

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
    // The cache of this thread hands the same storage out again, to the next secret.
    const Buffer next = Buffer::uninitialised(512, Secrecy::secret);
    ASSERT_EQ(next.data(), addresses.front());
    for (const std::uint64_t word : next.span()) {
        ASSERT_EQ(word, 0u);
    }
}

TEST(Buffer, SecretAndOpenStorageNeverMix) {
    const std::uint64_t* secret_at = nullptr;
    {
        const Buffer secret(512, Secrecy::secret);
        secret_at = secret.data();
    }
    EXPECT_NE(Buffer(512).data(), secret_at);
    EXPECT_EQ(Buffer(512, Secrecy::secret).data(), secret_at);
}

#if defined(__linux__)
/// Address and thread sanitizers put a function that does nothing in the place of mlock(), and it reports
/// success. There the library believes that its pages are locked, and the kernel knows nothing of it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool locking_works = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
constexpr bool locking_works = false;
#else
constexpr bool locking_works = true;
#endif
#else
constexpr bool locking_works = true;
#endif

/// VmFlags of the mapping that holds an address, as /proc/self/smaps lists them.
std::set<std::string> page_flags(const void* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t first = 0;
        std::uintptr_t end = 0;
        if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2) {
            inside = first <= wanted && wanted < end;
        } else if (inside && line.rfind("VmFlags:", 0) == 0) {
            std::istringstream words(line.substr(8));
            return {std::istream_iterator<std::string>(words), {}};
        }
    }
    return {};
}

TEST(Buffer, SecretPagesStayOutOfCoreDumpsAndSwap) {
    const Buffer open(8192);
    const SecretMemory before = secret_memory();
    // Larger than whatever waits for reuse here.
    const Buffer secret(100'000, Secrecy::secret);
    const SecretMemory after = secret_memory();
    const std::size_t mapped = after.bytes - before.bytes;
    EXPECT_GE(mapped, secret.size() * sizeof(std::uint64_t));
    EXPECT_EQ(after.dumpable_mappings, before.dumpable_mappings);
    // Locking depends on the limit of whoever runs this; it is done or counted.
    const bool locked = after.locked_bytes - before.locked_bytes == mapped;
    EXPECT_EQ(after.lock_failures - before.lock_failures, locked ? 0U : 1U);
    const std::set<std::string> flags = page_flags(secret.data());
    if (flags.empty()) {
        GTEST_SKIP() << "no VmFlags in /proc/self/smaps here";
    }
    EXPECT_TRUE(flags.contains("dd"));
    if (locking_works) {
        EXPECT_EQ(flags.contains("lo"), locked);
    }
    EXPECT_FALSE(page_flags(open.data()).contains("dd"));
}

TEST(Buffer, SecretsBeyondTheLockingLimitWorkAndAreCounted) {
    // The limit holds for a whole process, so a child has it; root may lock whatever it likes.
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_MEMLOCK, &none);
        const SecretMemory before = secret_memory();
        Buffer secret(200'000, Secrecy::secret);
        secret[199'999] = 7;
        const SecretMemory after = secret_memory();
        const bool locked = after.locked_bytes != before.locked_bytes;
        const bool counted = after.lock_failures == before.lock_failures + (locked ? 0 : 1);
        ::_exit(counted && secret[199'999] == 7 ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

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
