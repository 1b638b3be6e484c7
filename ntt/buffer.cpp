// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/buffer.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace lacuna::detail {

namespace {

constexpr std::size_t alignment = 64;
/// What a thread keeps for itself, and what all of them share beyond that.
constexpr std::size_t thread_cache_bytes = std::size_t{32} << 20;
constexpr std::size_t shared_cache_bytes = std::size_t{2} << 30;
/// Below this the system's allocator is as fast. A secret takes a page at least, which is as much.
constexpr std::size_t smallest_cached = std::size_t{4} << 10;

std::size_t rounded(std::size_t bytes, std::size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

#if defined(__linux__)
struct SecretCounters {
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::size_t> locked_bytes{0};
    std::atomic<std::size_t> lock_failures{0};
    std::atomic<std::size_t> dumpable_mappings{0};
};

constinit SecretCounters secret_counters;

std::size_t page_bytes() {
    static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return bytes;
}

/// Pages of their own: marks hold for whole pages, and nobody else's words shall be in them.
Storage map_secret(std::size_t bytes) {
    void* const words = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED) {
        throw std::bad_alloc();
    }
    if (::madvise(words, bytes, MADV_DONTDUMP) != 0) {
        ++secret_counters.dumpable_mappings;
    }
    const bool locked = ::mlock(words, bytes) == 0;
    secret_counters.bytes += bytes;
    if (locked) {
        secret_counters.locked_bytes += bytes;
    } else {
        ++secret_counters.lock_failures;
    }
    return {words, bytes, locked ? bytes : 0};
}

void unmap_secret(Storage storage) noexcept {
    secret_counters.bytes -= storage.capacity;
    secret_counters.locked_bytes -= storage.locked_bytes;
    ::munmap(storage.words, storage.capacity);  // which unlocks, too
}

std::size_t unit_of(Secrecy secrecy) {
    return secrecy == Secrecy::secret ? page_bytes() : alignment;
}
#else
std::size_t unit_of(Secrecy) {
    return alignment;
}
#endif

Storage allocate(std::size_t bytes, [[maybe_unused]] Secrecy secrecy) {
#if defined(__linux__)
    if (secrecy == Secrecy::secret) {
        return map_secret(bytes);
    }
#endif
    void* const words = std::aligned_alloc(alignment, bytes);
    if (words == nullptr) {
        throw std::bad_alloc();
    }
    return {words, bytes, 0};
}

void give_back(Storage storage, [[maybe_unused]] Secrecy secrecy) noexcept {
#if defined(__linux__)
    if (secrecy == Secrecy::secret) {
        unmap_secret(storage);
        return;
    }
#endif
    std::free(storage.words);
}

/// Released storage by size, up to a limit; what does not fit goes back to the system.
class StorageCache {
  public:
    StorageCache(std::size_t limit, Secrecy secrecy) : limit_(limit), secrecy_(secrecy) {}
    StorageCache(const StorageCache&) = delete;
    StorageCache& operator=(const StorageCache&) = delete;
    ~StorageCache() { clear(); }

    /// The smallest block that holds `bytes` and is not much larger, or none.
    Storage take(std::size_t bytes) noexcept {
        const auto found = free_.lower_bound(bytes);
        if (found == free_.end() || found->first > bytes + bytes / 2) {
            return {};
        }
        const Storage storage = found->second.back();
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
            free_[storage.capacity].push_back(storage);
        } catch (const std::bad_alloc&) {
            return false;
        }
        held_ += storage.capacity;
        return true;
    }

    void clear() noexcept {
        for (auto& [bytes, storages] : free_) {
            for (const Storage& storage : storages) {
                give_back(storage, secrecy_);
            }
        }
        free_.clear();
        held_ = 0;
    }

  private:
    std::size_t limit_;
    Secrecy secrecy_;
    std::size_t held_ = 0;
    std::map<std::size_t, std::vector<Storage>> free_;
};

/// Open storage and secret storage never mix.
struct StorageCaches {
    explicit StorageCaches(std::size_t limit) : open(limit, Secrecy::open), secret(limit, Secrecy::secret) {}
    [[nodiscard]] StorageCache& of(Secrecy secrecy) { return secrecy == Secrecy::secret ? secret : open; }
    StorageCache open;
    StorageCache secret;
};

/// Never destroyed: storage may be released by whatever is torn down last.
struct SharedCache {
    std::mutex mutex;
    StorageCaches storages{shared_cache_bytes};
};

SharedCache& shared_cache() {
    static SharedCache* const instance = new SharedCache;
    return *instance;
}

/// Trivially destructible, so a buffer that outlives its thread's cache can still ask.
thread_local bool thread_cache_is_alive = true;

struct ThreadCache {
    StorageCaches storages{thread_cache_bytes};
    ~ThreadCache() { thread_cache_is_alive = false; }
};

StorageCache& thread_cache(Secrecy secrecy) {
    thread_local ThreadCache instance;
    return instance.storages.of(secrecy);
}

}  // namespace

Storage acquire_storage(std::size_t bytes, Secrecy secrecy) {
    const std::size_t size = rounded(bytes, unit_of(secrecy));
    if (size >= smallest_cached) {
        if (thread_cache_is_alive) {
            if (const Storage storage = thread_cache(secrecy).take(size); storage.words != nullptr) {
                return storage;
            }
        }
        SharedCache& shared = shared_cache();
        const std::lock_guard lock(shared.mutex);
        if (const Storage storage = shared.storages.of(secrecy).take(size); storage.words != nullptr) {
            return storage;
        }
    }
    return allocate(size, secrecy);
}

void release_storage(Storage storage, Secrecy secrecy) noexcept {
    if (storage.capacity >= smallest_cached) {
        if (thread_cache_is_alive && thread_cache(secrecy).keep(storage)) {
            return;
        }
        SharedCache& shared = shared_cache();
        const std::lock_guard lock(shared.mutex);
        if (shared.storages.of(secrecy).keep(storage)) {
            return;
        }
    }
    give_back(storage, secrecy);
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
    shared.storages.open.clear();
    shared.storages.secret.clear();
}

SecretMemory secret_memory() {
#if defined(__linux__)
    const detail::SecretCounters& counters = detail::secret_counters;
    return {counters.bytes, counters.locked_bytes, counters.lock_failures, counters.dumpable_mappings};
#else
    return {};
#endif
}

}  // namespace lacuna
