// SPDX-License-Identifier: Apache-2.0
#include "ntt/buffer.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace lacuna::detail {

namespace {

constexpr std::size_t alignment = 64;
/// What a thread keeps for itself, and what all of them share beyond that.
constexpr std::size_t thread_cache_bytes = std::size_t{32} << 20;
constexpr std::size_t shared_cache_bytes = std::size_t{2} << 30;
/// Below this the system's allocator is as fast.
constexpr std::size_t smallest_cached = std::size_t{4} << 10;

std::size_t rounded(std::size_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
}

/// Released storage by size, up to a limit; what does not fit goes back to the system.
class StorageCache {
  public:
    explicit StorageCache(std::size_t limit) : limit_(limit) {}
    StorageCache(const StorageCache&) = delete;
    StorageCache& operator=(const StorageCache&) = delete;
    ~StorageCache() { clear(); }

    /// The smallest block that holds `bytes` and is not much larger, or none.
    Storage take(std::size_t bytes) noexcept {
        const auto found = free_.lower_bound(bytes);
        if (found == free_.end() || found->first > bytes + bytes / 2) {
            return {};
        }
        const Storage storage{found->second.back(), found->first};
        found->second.pop_back();
        if (found->second.empty()) {
            free_.erase(found);
        }
        held_ -= storage.capacity;
        return storage;
    }

    bool keep(Storage storage) noexcept {
        if (held_ + storage.capacity > limit_) {
            return false;
        }
        try {
            free_[storage.capacity].push_back(storage.words);
        } catch (const std::bad_alloc&) {
            return false;
        }
        held_ += storage.capacity;
        return true;
    }

    void clear() noexcept {
        for (auto& [bytes, storages] : free_) {
            for (void* storage : storages) {
                std::free(storage);
            }
        }
        free_.clear();
        held_ = 0;
    }

  private:
    std::size_t limit_;
    std::size_t held_ = 0;
    std::map<std::size_t, std::vector<void*>> free_;
};

/// Never destroyed: storage may be released by whatever is torn down last.
struct SharedCache {
    std::mutex mutex;
    StorageCache storages{shared_cache_bytes};
};

SharedCache& shared_cache() {
    static SharedCache* const instance = new SharedCache;
    return *instance;
}

/// Trivially destructible, so a buffer that outlives its thread's cache can still ask.
thread_local bool thread_cache_is_alive = true;

struct ThreadCache {
    StorageCache storages{thread_cache_bytes};
    ~ThreadCache() { thread_cache_is_alive = false; }
};

StorageCache& thread_cache() {
    thread_local ThreadCache instance;
    return instance.storages;
}

}  // namespace

Storage acquire_storage(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    if (size >= smallest_cached) {
        if (thread_cache_is_alive) {
            if (const Storage storage = thread_cache().take(size); storage.words != nullptr) {
                return storage;
            }
        }
        SharedCache& shared = shared_cache();
        const std::lock_guard lock(shared.mutex);
        if (const Storage storage = shared.storages.take(size); storage.words != nullptr) {
            return storage;
        }
    }
    void* const words = std::aligned_alloc(alignment, size);
    if (words == nullptr) {
        throw std::bad_alloc();
    }
    return {words, size};
}

void release_storage(Storage storage) noexcept {
    if (storage.capacity >= smallest_cached) {
        if (thread_cache_is_alive && thread_cache().keep(storage)) {
            return;
        }
        SharedCache& shared = shared_cache();
        const std::lock_guard lock(shared.mutex);
        if (shared.storages.keep(storage)) {
            return;
        }
    }
    std::free(storage.words);
}

void cleanse(void* storage, std::size_t bytes) noexcept {
    std::memset(storage, 0, bytes);
    // The barrier makes the zeros observable, so the store cannot be dropped as dead.
    asm volatile("" : : "r"(storage) : "memory");
}

}  // namespace lacuna::detail

namespace lacuna {

void release_cached_storage() {
    detail::SharedCache& shared = detail::shared_cache();
    const std::lock_guard lock(shared.mutex);
    shared.storages.clear();
}

}  // namespace lacuna
