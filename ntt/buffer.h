// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace lacuna {

/// Whether a buffer holds a secret: then it is overwritten with zeros before its storage is given back, and
/// its pages are kept out of core dumps and, as far as the system lets them, out of swap.
enum class Secrecy : bool { open, secret };

namespace detail {
struct Storage {
    void* words = nullptr;
    std::size_t capacity = 0;      ///< bytes
    std::size_t locked_bytes = 0;  ///< of these, kept out of swap: all or none
};
/// 64-byte aligned storage of at least `bytes`, recycled: polynomials come and go in a few sizes, and fresh
/// pages from the system cost more than the arithmetic on them. A block up to half as large again may serve.
/// Secret storage has pages of its own (see SecretMemory) and is recycled among secrets alone. Throws
/// std::bad_alloc.
[[nodiscard]] Storage acquire_storage(std::size_t bytes, Secrecy secrecy);
/// secrecy: as it was acquired with.
void release_storage(Storage storage, Secrecy secrecy) noexcept;
/// Overwrites with zeros in a way that the compiler must not remove.
void cleanse(void* storage, std::size_t bytes) noexcept;
}  // namespace detail

/// Gives storage that the library holds for reuse (at most 2 GiB, beside 32 MiB a thread) back to the system:
/// for a process that has done its large work and lives on.
void release_cached_storage();

/// What secret buffers hold of the system's memory. On Linux their pages are marked MADV_DONTDUMP and locked
/// (mlock); locking ends where RLIMIT_MEMLOCK does. A secret whose pages could not be locked works like any
/// other, so that is counted and nothing more. Elsewhere nothing is marked or locked, and all is 0.
struct SecretMemory {
    std::size_t bytes = 0;              ///< mapped for secrets now, those that wait for reuse included
    std::size_t locked_bytes = 0;       ///< of these, locked
    std::size_t lock_failures = 0;      ///< mappings so far that could not be locked
    std::size_t dumpable_mappings = 0;  ///< mappings so far that could not be kept out of core dumps
};
[[nodiscard]] SecretMemory secret_memory();

/// A 64-byte aligned, movable array of 64-bit words.
class Buffer {
  public:
    Buffer() = default;

    /// `size` words whose values are unspecified.
    [[nodiscard]] static Buffer uninitialised(std::size_t size, Secrecy secrecy = Secrecy::open) {
        Buffer buffer;
        if (size != 0) {
            buffer.storage_ = detail::acquire_storage(size * sizeof(std::uint64_t), secrecy);
        }
        buffer.size_ = size;
        buffer.secrecy_ = secrecy;
        return buffer;
    }

    /// `size` zero words.
    explicit Buffer(std::size_t size, Secrecy secrecy = Secrecy::open)
        : Buffer(uninitialised(size, secrecy)) {
        if (size != 0) {
            std::memset(storage_.words, 0, size * sizeof(std::uint64_t));
        }
    }

    Buffer(const Buffer& other) : Buffer(uninitialised(other.size_, other.secrecy_)) {
        if (size_ != 0) {
            std::memcpy(storage_.words, other.storage_.words, size_ * sizeof(std::uint64_t));
        }
    }
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(const Buffer& other) {
        if (this != &other) {
            Buffer copy(other);
            swap(copy);
        }
        return *this;
    }
    Buffer& operator=(Buffer&& other) noexcept {
        Buffer taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~Buffer() {
        if (storage_.words != nullptr) {
            if (secrecy_ == Secrecy::secret) {
                detail::cleanse(storage_.words, size_ * sizeof(std::uint64_t));
            }
            detail::release_storage(storage_, secrecy_);
        }
    }

    void swap(Buffer& other) noexcept {
        std::swap(storage_, other.storage_);
        std::swap(size_, other.size_);
        std::swap(secrecy_, other.secrecy_);
    }

    [[nodiscard]] std::uint64_t* data() { return static_cast<std::uint64_t*>(storage_.words); }
    [[nodiscard]] const std::uint64_t* data() const {
        return static_cast<const std::uint64_t*>(storage_.words);
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] Secrecy secrecy() const { return secrecy_; }
    [[nodiscard]] std::uint64_t& operator[](std::size_t i) { return data()[i]; }
    [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return data()[i]; }
    [[nodiscard]] std::span<std::uint64_t> span() { return {data(), size_}; }
    [[nodiscard]] std::span<const std::uint64_t> span() const { return {data(), size_}; }

  private:
    detail::Storage storage_;
    std::size_t size_ = 0;
    Secrecy secrecy_ = Secrecy::open;
};

}  // namespace lacuna
