// SPDX-License-Identifier: Apache-2.0
#include "ntt/buffer.h"

#include <cstdlib>
#include <new>
#include <vector>

namespace lacuna::detail {

namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t cache_limit_bytes = std::size_t{32} << 20;

std::size_t rounded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/// Trivially destructible, so a buffer that outlives its thread's cache can still ask.
thread_local bool cache_is_alive = true;

/// Storage that this thread released, by size. Bounded; what does not fit goes back to the system.
class StorageCache {
  public:
    StorageCache() = default;
    StorageCache(const StorageCache&) = delete;
    StorageCache& operator=(const StorageCache&) = delete;
    ~StorageCache() {
        cache_is_alive = false;
        for (const Entry& entry : entries_) {
            std::free(entry.storage);
        }
    }

    void* take(std::size_t bytes) {
        for (std::size_t i = entries_.size(); i-- > 0;) {
            if (entries_[i].bytes == bytes) {
                void* storage = entries_[i].storage;
                entries_[i] = entries_.back();
                entries_.pop_back();
                held_ -= bytes;
                return storage;
            }
        }
        return nullptr;
    }

    bool keep(void* storage, std::size_t bytes) {
        if (held_ + bytes > cache_limit_bytes || entries_.size() >= max_entries) {
            return false;
        }
        if (entries_.capacity() < max_entries) {
            try {
                entries_.reserve(max_entries);
            } catch (const std::bad_alloc&) {
                return false;
            }
        }
        entries_.push_back({storage, bytes});
        held_ += bytes;
        return true;
    }

  private:
    struct Entry {
        void* storage;
        std::size_t bytes;
    };
    static constexpr std::size_t max_entries = 256;
    std::vector<Entry> entries_;
    std::size_t held_ = 0;
};

StorageCache& cache() {
    thread_local StorageCache instance;
    return instance;
}

}  // namespace

void* acquire_storage(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    if (cache_is_alive) {
        if (void* storage = cache().take(size)) {
            return storage;
        }
    }
    void* storage = std::aligned_alloc(alignment, size);
    if (storage == nullptr) {
        throw std::bad_alloc();
    }
    return storage;
}

void release_storage(void* storage, std::size_t bytes) noexcept {
    if (!cache_is_alive || !cache().keep(storage, rounded(bytes))) {
        std::free(storage);
    }
}

void cleanse(void* storage, std::size_t bytes) noexcept {
    std::memset(storage, 0, bytes);
    // The barrier makes the zeros observable, so the store cannot be dropped as dead.
    asm volatile("" : : "r"(storage) : "memory");
}

}  // namespace lacuna::detail
